/** Functions of one number, element by element, and their derivatives. */
import { erfc } from './erf.js'
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, type NdArray } from './nd-array.js'

interface Activation {
  readonly f: (x: number) => number
  readonly slope: (x: number) => number
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

export const activations = {
  leakyRelu: { f: (x) => (x > 0 ? x : 0.01 * x), slope: (x) => (x > 0 ? 1 : 0.01) },
  gelu: {
    f: (x) => x * normalCdf(x),
    slope: (x) => normalCdf(x) + (x * Math.exp(-x * x * 0.5)) / Math.sqrt(2 * Math.PI),
  },
  silu: { f: (x) => x * sigmoid(x), slope: (x) => sigmoid(x) * (1 + x * sigmoid(-x)) },
  sigmoid: { f: sigmoid, slope: (x) => sigmoid(x) * sigmoid(-x) },
  tanh: { f: Math.tanh, slope: (x) => 1 / Math.cosh(x) ** 2 },
  softplus: { f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), slope: sigmoid },
  elu: { f: (x) => (x > 0 ? x : Math.expm1(x)), slope: (x) => (x > 0 ? 1 : Math.exp(x)) },
  negate: { f: (x) => -x, slope: () => -1 },
  exp: { f: Math.exp, slope: Math.exp },
  log: { f: Math.log, slope: (x) => 1 / x },
  sqrt: { f: Math.sqrt, slope: (x) => 0.5 / Math.sqrt(x) },
  square: { f: (x) => x * x, slope: (x) => 2 * x },
  abs: { f: Math.abs, slope: Math.sign },
} satisfies Record<string, Activation>

export type Name = keyof typeof activations

/** f of every element. */
export const forward = (name: Name, input: NdArray): NdArray => map(input, (x) => activations[name].f(x))

/** gradInput = gradOutput f'(input). */
export const backward = (name: Name, gradOutput: NdArray, input: NdArray): { gradInput: NdArray } => ({
  gradInput: map(gradOutput, (g, i) => g * activations[name].slope(input.data[i]!)),
})

/** Phi(x) = erfc(-x / sqrt(2)) / 2. */
function normalCdf(x: number): number {
  const tail = 0.5 * erfc(Math.abs(x) / Math.SQRT2)
  return x > 0 ? 1 - tail : tail
}

export const gradientCases: GradientCases = (draw) => {
  // Positive numbers too for logarithm and root; none at a kink.
  const [positive, negative] = [draw([2, 3, 1, 5, 2], 0.1, 3), draw([2, 3, 1, 5, 2], -4, -0.1)]
  return Object.fromEntries(
    (Object.keys(activations) as Name[]).map((name) => [
      name,
      (name === 'log' || name === 'sqrt' ? [positive] : [positive, negative]).flatMap((input) =>
        gradientCase(
          { input },
          (v) => forward(name, v.input),
          (g) => backward(name, g, input),
        ),
      ),
    ]),
  )
}
