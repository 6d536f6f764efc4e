/**
 * Logarithm of the sum of exponentials over channels, log sum_c exp(x_c), as m + log sum_c exp(x_c - m) with m = max_c x_c.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { forEachVoxel, map, zeros, type NdArray } from './nd-array.js'
import { softmax } from './softmax.js'

/** input [N, C, ...] -> [N, 1, ...]. */
export function forward(input: NdArray): NdArray {
  const [batch, , ...extents] = input.shape
  const output = zeros([batch!, 1, ...extents])
  let voxel = 0
  forEachVoxel(input, (channels) => {
    const largest = Math.max(...channels.map((c) => input.data[c]!))
    const total = channels.reduce((sum, c) => sum + Math.exp(input.data[c]! - largest), 0)
    output.data[voxel++] = largest + Math.log(total)
  })
  return output
}

/** gradInput_c = g softmax(x)_c. */
export function backward(gradOutput: NdArray, input: NdArray): { gradInput: NdArray } {
  const voxels = input.data.length / input.shape[0]! / input.shape[1]!
  const voxelOf = (i: number): number => Math.floor(i / (input.shape[1]! * voxels)) * voxels + (i % voxels)
  return { gradInput: map(softmax(input), (y, i) => y * gradOutput.data[voxelOf(i)]!) }
}

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 4, 3, 5, 1], -3, 3)
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input),
      (g) => backward(g, input),
    ),
  }
}
