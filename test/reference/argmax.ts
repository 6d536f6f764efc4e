/** The class of the largest channel, the first of equals. */
import { forEachVoxel, zeros, type NdArray } from './nd-array.js'

/** input [N, C, ...] -> [N, 1, ...], whole numbers in 0..C-1. */
export function forward(input: NdArray): NdArray {
  const output = zeros([input.shape[0]!, 1, ...input.shape.slice(2)])
  let voxel = 0
  forEachVoxel(input, (channels) => {
    const values = channels.map((offset) => input.data[offset]!)
    output.data[voxel++] = values.indexOf(Math.max(...values))
  })
  return output
}

/**
 * The score of each class from those of its channels, log(sum_c exp(input_c)).
 *
 * @param counts channels of each class, [K]
 * @returns [N, K, ...]
 */
export function ofClasses(input: NdArray, counts: readonly number[]): NdArray {
  const [batch, , ...extents] = input.shape
  const output = zeros([batch!, counts.length, ...extents])
  const voxels = extents.reduce((a, b) => a * b, 1)
  let voxel = 0
  forEachVoxel(input, (channels) => {
    const image = Math.floor(voxel / voxels)
    let first = 0
    counts.forEach((count, k) => {
      const own = channels.slice(first, (first += count)).map((offset) => input.data[offset]!)
      const largest = Math.max(...own)
      const sum = own.reduce((sum, value) => sum + Math.exp(value - largest), 0)
      output.data[(image * counts.length + k) * voxels + (voxel % voxels)] = largest + Math.log(sum)
    })
    voxel++
  })
  return output
}
