/**
 * Average pooling: out[n, c, o] = the mean of input[n, c, o stride - padding + t] over all positions t of the kernel, with
 * o an output position (triples D, H, W). What lies outside the input is 0 and counts.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, zeros, type NdArray } from './nd-array.js'
import { forEachCovered, pooledShape, type PoolOptions } from './pooling.js'

/** input [N, C, D, H, W] -> [N, C, ...]. */
export function forward(input: NdArray, options: PoolOptions): NdArray {
  const output = zeros(pooledShape(input, options))
  forEachCovered(input, options, (o, i) => (output.data[o]! += input.data[i]!))
  return map(output, (sum) => sum / voxelsOf(options))
}

/** gradOutput has the shape of the output, gradInput that of the input. */
export function backward(gradOutput: NdArray, input: NdArray, options: PoolOptions): { gradInput: NdArray } {
  const gradInput = zeros(input.shape)
  forEachCovered(input, options, (o, i) => (gradInput.data[i]! += gradOutput.data[o]!))
  return { gradInput: map(gradInput, (sum) => sum / voxelsOf(options)) }
}

function voxelsOf({ kernelSize: k }: PoolOptions): number {
  return typeof k === 'number' ? k ** 3 : k[0] * k[1] * k[2]
}

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 2, 3, 5, 4])
  const sample = (options: PoolOptions) =>
    gradientCase(
      { input },
      (v) => forward(v.input, options),
      (g) => backward(g, input, options),
    )
  return {
    'odd sizes': sample({ kernelSize: 2 }),
    'windows that overlap and reach beyond the volume': sample({
      kernelSize: [3, 2, 3],
      stride: [1, 2, 2],
      padding: [1, 0, 1],
    }),
  }
}
