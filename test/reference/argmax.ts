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
