/** Cropping, or padding with zeros, at either end of D, H and W: out[n, c, d, h, w] is input[n, c, d + start, ...] or 0. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { at, volumeShape, zeros, type NdArray } from './nd-array.js'

/** input [N, C, ...] -> [N, C, ...extents]. */
export function forward(
  input: NdArray,
  extents: readonly [number, number, number],
  start: readonly [number, number, number] = [0, 0, 0],
): NdArray {
  const [N, C, D, H, W] = volumeShape(input)
  const output = zeros([N, C, ...extents])
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let d = 0; d < D; d++)
        for (let h = 0; h < H; h++)
          for (let w = 0; w < W; w++) {
            const [a, b, e] = [d - start[0], h - start[1], w - start[2]]
            if (a < 0 || b < 0 || e < 0 || a >= extents[0] || b >= extents[1] || e >= extents[2]) continue
            output.data[at(output.shape, n, c, a, b, e)] = input.data[at(input.shape, n, c, d, h, w)]!
          }
  return output
}

/** What was cropped gets no gradient; what was padded passes none on: the same operation back to the input's extents. */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  [d, h, w]: readonly [number, number, number] = [0, 0, 0],
): { gradInput: NdArray } {
  const [, , D, H, W] = volumeShape(input)
  return { gradInput: forward(gradOutput, [D, H, W], [-d, -h, -w]) }
}

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 2, 3, 5, 4])
  const start = [1, -1, 0] as const
  return {
    'cropped and padded': gradientCase(
      { input },
      (v) => forward(v.input, [4, 3, 5], start),
      (g) => backward(g, input, start),
    ),
  }
}
