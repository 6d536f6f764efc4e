/**
 * Nearest-neighbour upsampling by s, per axis: out[n, c, d, h, w] = input[n, c, floor(d/s), floor(h/s), floor(w/s)].
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { at, volumeShape, zeros, type NdArray } from './nd-array.js'
import type { Triple } from './conv3d.js'

/** input [N, C, D, H, W] -> [N, C, sD, sH, sW]. */
export function forward(input: NdArray, scale: number | Triple = 2): NdArray {
  const [N, C, D, H, W] = volumeShape(input)
  const s = triple(scale)
  const output = zeros([N, C, s[0] * D, s[1] * H, s[2] * W])
  forEachCopy(output, input, s, (o, i) => (output.data[o] = input.data[i]!))
  return output
}

/** gradOutput [N, C, sD, sH, sW]; each input element gathers the gradients of its copies. */
export function backward(gradOutput: NdArray, scale: number | Triple = 2): { gradInput: NdArray } {
  const [N, C, D, H, W] = volumeShape(gradOutput)
  const s = triple(scale)
  const gradInput = zeros([N, C, D / s[0], H / s[1], W / s[2]])
  forEachCopy(gradOutput, gradInput, s, (o, i) => (gradInput.data[i]! += gradOutput.data[o]!))
  return { gradInput }
}

/** Visits every pair of an element of the fine array and the element of the coarse array above it, by offsets. */
function forEachCopy(
  fine: NdArray,
  coarse: NdArray,
  [sD, sH, sW]: Triple,
  visit: (fine: number, coarse: number) => void,
): void {
  const [N, C, D, H, W] = volumeShape(fine)
  const above = (position: number, scale: number) => Math.floor(position / scale)
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let d = 0; d < D; d++)
        for (let h = 0; h < H; h++)
          for (let w = 0; w < W; w++)
            visit(
              at(fine.shape, n, c, d, h, w),
              at(coarse.shape, n, c, above(d, sD), above(h, sH), above(w, sW)),
            )
}

const triple = (value: number | Triple): Triple => (typeof value === 'number' ? [value, value, value] : value)

export const gradientCases: GradientCases = (draw) => {
  const sample = (scale?: Triple) =>
    gradientCase(
      { input: draw([2, 2, 3, 1, 2]) },
      (v) => forward(v.input, scale),
      (g) => backward(g, scale),
    )
  return { 'by 2': sample(), 'by another scale': sample([1, 3, 2]) }
}
