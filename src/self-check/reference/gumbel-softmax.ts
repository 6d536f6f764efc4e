/**
 * A sample of the categorical posterior by the Gumbel-softmax (docs/equations.md, row "sample"):
 *
 *   g = -log(-log(U + 1e-20) + 1e-20),   y = softmax_c((logits + g) / temperature)
 *
 * Straight-through: the value is the one-hot of argmax y (the first if several are equal), the gradient is that of y.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { expectSameShape, forEachVoxel, map, zeros, type NdArray } from './nd-array.js'
import { softmax, softmaxBackward } from './softmax.js'

const TINY = 1e-20

/** logits and uniform noise in [0, 1), both [N, C, ...] -> [N, C, ...], one-hot if straightThrough. */
export function forward(
  logits: NdArray,
  uniformNoise: NdArray,
  temperature: number,
  straightThrough: boolean,
): NdArray {
  const soft = softmax(perturbed(logits, uniformNoise, temperature))
  if (!straightThrough) return soft
  const hard = zeros(soft.shape)
  forEachVoxel(soft, (channels) => {
    const winner = channels.reduce((best, c) => (soft.data[c]! > soft.data[best]! ? c : best))
    hard.data[winner] = 1
  })
  return hard
}

/** The gradient of the soft y, whether or not the value was made one-hot. */
export function backward(
  gradOutput: NdArray,
  logits: NdArray,
  uniformNoise: NdArray,
  temperature: number,
): { gradLogits: NdArray } {
  const { gradInput } = softmaxBackward(gradOutput, perturbed(logits, uniformNoise, temperature))
  return { gradLogits: map(gradInput, (g) => g / temperature) }
}

/** (logits + g) / temperature. */
function perturbed(logits: NdArray, uniformNoise: NdArray, temperature: number): NdArray {
  expectSameShape(logits, uniformNoise)
  return map(logits, (logit, i) => {
    const gumbel = -Math.log(-Math.log(uniformNoise.data[i]! + TINY) + TINY)
    return (logit + gumbel) / temperature
  })
}

export const gradientCases: GradientCases = (draw) => {
  const [logits, noise] = [draw([2, 4, 3, 5, 1], -3, 3), draw([2, 4, 3, 5, 1], 0, 1)]
  return {
    'the soft sample': gradientCase(
      { logits },
      (v) => forward(v.logits, noise, 2 / 3, false),
      (g) => backward(g, logits, noise, 2 / 3),
    ),
  }
}
