import { UserError } from '../errors.js'

/**
 * Type of the voxels in a file: label maps are written as integers, or as `float64` if codes need more than 31 bits;
 * all else as `float32`.
 */
export type VoxelType = 'uint8' | 'int16' | 'int32' | 'float32' | 'float64'

export const VOXEL_ARRAYS = {
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const

const RANGES = {
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
} as const

/** The smallest type that holds non-negative labels exactly. */
export function labelVoxelType(labels: Float64Array | Uint8Array): VoxelType {
  let highest = 0
  for (const label of labels) if (label > highest) highest = label
  return highest < 256 ? 'uint8' : highest < 2 ** 15 ? 'int16' : highest < 2 ** 31 ? 'int32' : 'float64'
}

/**
 * Requires every value to be exact in `type`, if it is an integer type.
 *
 * @param source where the values come from, for the message
 * @throws UserError if a value is not an integer in the range of `type`
 */
export function requireFits(data: Float32Array | Float64Array, type: VoxelType, source: string): void {
  if (type === 'float32' || type === 'float64') return
  const [low, high] = RANGES[type]
  for (const value of data) {
    if (value >= low && value <= high && Number.isInteger(value)) continue
    throw new UserError(`${source}: the value ${value} does not fit ${type}; write float32`)
  }
}
