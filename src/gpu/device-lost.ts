/**
 * The device is gone: its driver was reset, the GPU taken away, or somebody destroyed it. Nothing on it can be read any
 * more; open another one and go on from what was saved.
 */
export class DeviceLostError extends Error {
  /** Always `DeviceLostError`, so that it can be distinguished from other errors without `instanceof`. */
  override readonly name = 'DeviceLostError'
}
