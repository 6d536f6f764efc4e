/**
 * The device is gone: its driver was reset, the GPU was removed, or the device was destroyed. Nothing on it can be read
 * any more; open a new device and resume from the last checkpoint.
 */
export class DeviceLostError extends Error {
  /** Always `DeviceLostError`, so that it can be distinguished from other errors without `instanceof`. */
  override readonly name = 'DeviceLostError'
}
