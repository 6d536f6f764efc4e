/**
 * Adam (Kingma and Ba, ICLR 2015) as torch.optim.Adam does it. At step t = 1, 2, ...
 *
 *   g = gradient + weightDecay p
 *   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
 *   p = p - learningRate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * With `amsgrad` the largest v so far takes the place of v (Reddi et al., ICLR 2018). AdamW (Loshchilov and Hutter,
 * ICLR 2019) adds nothing to the gradient; p is multiplied by 1 - learningRate decoupledDecay before the step.
 */
import { map, zeros, type NdArray } from './nd-array.js'

export interface AdamOptions {
  readonly learningRate: number
  /** Default 0.9. */
  readonly beta1?: number
  /** Default 0.999. */
  readonly beta2?: number
  /** Default 1e-8. */
  readonly epsilon?: number
  /** Default 0. The weight of an L2 penalty, added to the gradient (not AdamW's decoupled decay). */
  readonly weightDecay?: number
  /** Default 0. The decay of AdamW. */
  readonly decoupledDecay?: number
  /** Default false. */
  readonly amsgrad?: boolean
}

/** One parameter with its two moments after `step` steps, all of one shape. */
export interface AdamState {
  readonly step: number
  readonly parameter: NdArray
  readonly firstMoment: NdArray
  readonly secondMoment: NdArray
  /** The largest second moment so far, element by element. */
  readonly largest: NdArray
}

/** A parameter before the first step. */
export const initialState = (parameter: NdArray): AdamState => ({
  step: 0,
  parameter,
  firstMoment: zeros(parameter.shape),
  secondMoment: zeros(parameter.shape),
  largest: zeros(parameter.shape),
})

/** The state after one more step. */
export function adamStep(state: AdamState, gradient: NdArray, options: AdamOptions): AdamState {
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options
  const { decoupledDecay = 0, amsgrad = false } = options
  const step = state.step + 1
  const g = map(gradient, (value, i) => value + weightDecay * state.parameter.data[i]!)
  const firstMoment = map(state.firstMoment, (m, i) => beta1 * m + (1 - beta1) * g.data[i]!)
  const secondMoment = map(state.secondMoment, (v, i) => beta2 * v + (1 - beta2) * g.data[i]! ** 2)
  const largest = map(state.largest, (v, i) => Math.max(v, secondMoment.data[i]!))
  const divisor = amsgrad ? largest : secondMoment
  const parameter = map(state.parameter, (p, i) => {
    const mean = firstMoment.data[i]! / (1 - beta1 ** step)
    const deviation = Math.sqrt(divisor.data[i]! / (1 - beta2 ** step))
    return p * (1 - learningRate * decoupledDecay) - (learningRate * mean) / (deviation + epsilon)
  })
  return { step, parameter, firstMoment, secondMoment, largest }
}

/**
 * Scales all gradients by min(1, maxNorm / (norm + 1e-6)), norm the Euclidean norm of all of them together, as
 * torch.nn.utils.clip_grad_norm_ does.
 */
export function clipGradients(
  gradients: readonly NdArray[],
  maxNorm: number,
): { gradients: NdArray[]; norm: number } {
  const squares = gradients.map(({ data }) => data.reduce((sum, g) => sum + g * g, 0))
  const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0))
  const coefficient = Math.min(1, maxNorm / (norm + 1e-6))
  return { gradients: gradients.map((gradient) => map(gradient, (g) => g * coefficient)), norm }
}
