// The self-check of a device compares with it too, so that it lies there.
export * from '../../src/self-check/reference/upsample-nearest.js'
