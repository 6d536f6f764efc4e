import { UserError } from '../errors.js'

/** What voxels are written as: label maps as `uint8` or `int16`, all else as `float32`. */
export type VoxelType = 'uint8' | 'int16' | 'float32'

export const VOXEL_ARRAYS = { uint8: Uint8Array, int16: Int16Array, float32: Float32Array } as const

const RANGES = { uint8: [0, 255], int16: [-32768, 32767] } as const

/**
 * Requires that writing as `type` loses nothing.
 *
 * @param source where the values come from, for the message
 * @throws UserError if a value is not whole or not in the range of an integer type
 */
export function requireFits(data: Float32Array, type: VoxelType, source: string): void {
  if (type === 'float32') return
  const [low, high] = RANGES[type]
  for (const value of data) {
    if (value >= low && value <= high && Number.isInteger(value)) continue
    throw new UserError(`${source}: the value ${value} does not fit ${type}; write float32`)
  }
}
