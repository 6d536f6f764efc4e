/**
 * 2x2x2 max-pooling, stride 2: out[n, c, d, h, w] = the largest of input[n, c, 2d + {0,1}, 2h + {0,1}, 2w + {0,1}].
 *
 * Odd sizes drop their last plane. Among equal values the first in D, H, W scan order wins, as in PyTorch: it alone
 * receives the gradient.
 */
import { at, map, volumeShape, zeros, type NdArray } from './nd-array.js'

/** input [N, C, D, H, W] -> [N, C, floor(D/2), floor(H/2), floor(W/2)]. */
export function forward(input: NdArray): NdArray {
  return map(winners(input), (offset) => input.data[offset]!)
}

/** gradOutput has the shape of the output, gradInput that of the input. */
export function backward(gradOutput: NdArray, input: NdArray): { gradInput: NdArray } {
  const gradInput = zeros(input.shape)
  winners(input).data.forEach((offset, i) => (gradInput.data[offset]! += gradOutput.data[i]!))
  return { gradInput }
}

/** For each output element the offset of the input element that it is a copy of. */
function winners(input: NdArray): NdArray {
  const [N, C, D, H, W] = volumeShape(input)
  const offsets = zeros([N, C, Math.floor(D / 2), Math.floor(H / 2), Math.floor(W / 2)])
  const { shape } = offsets
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let d = 0; d < shape[2]!; d++)
        for (let h = 0; h < shape[3]!; h++)
          for (let w = 0; w < shape[4]!; w++) {
            let best = at(input.shape, n, c, 2 * d, 2 * h, 2 * w)
            for (let i = 0; i < 2; i++)
              for (let j = 0; j < 2; j++)
                for (let k = 0; k < 2; k++) {
                  const candidate = at(input.shape, n, c, 2 * d + i, 2 * h + j, 2 * w + k)
                  if (input.data[candidate]! > input.data[best]!) best = candidate
                }
            offsets.data[at(shape, n, c, d, h, w)] = best
          }
  return offsets
}
