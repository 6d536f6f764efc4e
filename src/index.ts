/**
 * sae-webgpu: a small engine for 3-D networks on WebGPU, and the Segmentation Auto-Encoder trained with it.
 *
 * Runs in Node (open a device with `openGpu` of `sae-webgpu/node`) and in browsers (`openDevice`).
 */
export { UserError } from './errors.js'

export { Gpu, type AdapterSummary, type Wait } from './gpu/gpu.js'
export { openDevice } from './gpu/open-device.js'

export { gradients } from './autograd/gradients.js'
export { compile, type CompileOptions, type Plan } from './autograd/plan.js'
export { constant, input, parameter, type Layout, type Shape, type Value } from './autograd/value.js'
export { Variables } from './autograd/variables.js'

export * from './ops/index.js'
export * from './nn/index.js'
export * from './optim/index.js'
export * from './sae/index.js'

// What a page or a notebook around the engine needs beside it: tables of classes from files, and their colours.
export { classColour, type Colour } from './report/colours.js'
export { parseLabelTable } from './sae/label-table-file.js'
