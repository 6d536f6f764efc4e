/** Inverted dropout: input / (1 - p) where noise >= p, else 0, the noise that of `noise.ts`. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, type NdArray } from './nd-array.js'
import { uniformNoise } from './noise.js'

/** input [N, C, ...], p in [0, 1), a seed and a step -> [N, C, ...]. */
export function forward(input: NdArray, p: number, seed: number, step: number, stream = 0): NdArray {
  const noise = uniformNoise(input.shape, seed, step, stream)
  return map(input, (x, i) => (noise.data[i]! >= Math.fround(p) ? x / (1 - p) : 0))
}

/** The mask is constant, so the gradient is masked as the input was. */
export const backward = (
  gradOutput: NdArray,
  p: number,
  seed: number,
  step: number,
  stream = 0,
): { gradInput: NdArray } => ({ gradInput: forward(gradOutput, p, seed, step, stream) })

export const gradientCases: GradientCases = (draw) => ({
  default: gradientCase(
    { input: draw([2, 4, 3, 5, 1], -3, 3) },
    (v) => forward(v.input, 0.4, 5, 6, 7),
    (g) => backward(g, 0.4, 5, 6, 7),
  ),
})
