/**
 * Average pooling: out[n, c, o] = the mean of input[n, c, o stride - padding + t] over all positions t of the kernel, with
 * o an output position (triples D, H, W). What lies outside the input is 0 and counts.
 */
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
