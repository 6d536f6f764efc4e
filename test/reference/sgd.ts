/**
 * Gradient descent with momentum as torch.optim.SGD does it. At step t = 1, 2, ...
 *
 *   g = gradient + weightDecay p
 *   b = momentum b + g, from b = 0
 *   p = p - learningRate d,   d = g + momentum b with Nesterov's momentum, else b
 */
import { map, zeros, type NdArray } from './nd-array.js'

export interface SgdOptions {
  readonly learningRate: number
  /** Default 0. */
  readonly momentum?: number
  /** Default false. */
  readonly nesterov?: boolean
  /** Default 0. */
  readonly weightDecay?: number
}

/** One parameter with its momentum buffer. */
export interface SgdState {
  readonly parameter: NdArray
  readonly buffer: NdArray
}

/** A parameter before the first step. */
export const initialState = (parameter: NdArray): SgdState => ({ parameter, buffer: zeros(parameter.shape) })

/** The state after one more step. */
export function sgdStep(state: SgdState, gradient: NdArray, options: SgdOptions): SgdState {
  const { learningRate, momentum = 0, nesterov = false, weightDecay = 0 } = options
  const g = map(gradient, (value, i) => value + weightDecay * state.parameter.data[i]!)
  const buffer = map(state.buffer, (b, i) => momentum * b + g.data[i]!)
  const direction = nesterov ? map(g, (value, i) => value + momentum * buffer.data[i]!) : buffer
  return { parameter: map(state.parameter, (p, i) => p - learningRate * direction.data[i]!), buffer }
}
