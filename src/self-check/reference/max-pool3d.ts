/**
 * Max-pooling: out[n, c, o] = the largest of input[n, c, o stride - padding + t] over the positions t of the kernel
 * that lie within the input, with o an output position (triples D, H, W).
 *
 * Voxels that do not fill a window are dropped. Among equal values the first in D, H, W scan order wins, as in PyTorch:
 * it alone receives the gradient.
 */
import { gradientCase, shuffled, type GradientCases } from './gradient-cases.js'
import { map, zeros, type NdArray } from './nd-array.js'
import { forEachCovered, pooledShape, type PoolOptions } from './pooling.js'

const halving: PoolOptions = { kernelSize: 2 }

/** input [N, C, D, H, W] -> [N, C, ...]; by default [N, C, floor(D/2), floor(H/2), floor(W/2)]. */
export function forward(input: NdArray, options = halving): NdArray {
  return map(winners(input, options), (offset) => input.data[offset]!)
}

/** gradOutput has the shape of the output, gradInput that of the input. */
export function backward(gradOutput: NdArray, input: NdArray, options = halving): { gradInput: NdArray } {
  const gradInput = zeros(input.shape)
  winners(input, options).data.forEach((offset, i) => (gradInput.data[offset]! += gradOutput.data[i]!))
  return { gradInput }
}

/** For each output element the offset of the input element that it is a copy of. */
function winners(input: NdArray, options: PoolOptions): NdArray {
  const offsets = map(zeros(pooledShape(input, options)), () => -1)
  forEachCovered(input, options, (o, i) => {
    const best = offsets.data[o]!
    if (best < 0 || input.data[i]! > input.data[best]!) offsets.data[o] = i
  })
  return offsets
}

export const gradientCases: GradientCases = (draw) => {
  const input = shuffled([2, 2, 3, 5, 4], draw)
  const sample = (options?: PoolOptions) =>
    gradientCase(
      { input },
      (v) => forward(v.input, options),
      (g) => backward(g, input, options),
    )
  return {
    'odd sizes': sample(),
    'windows that overlap and reach beyond the volume': sample({
      kernelSize: [3, 2, 3],
      stride: [1, 2, 2],
      padding: [1, 0, 1],
    }),
  }
}
