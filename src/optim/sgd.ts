import type { Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { Optimiser, type OptimiserOptions, type UpdateKernel } from './optimiser.js'

/** Options of `SGD`, with the meanings of torch.optim.SGD. */
export interface SGDOptions extends OptimiserOptions {
  /** Share of the previous step's direction that is kept. Default 0. */
  readonly momentum?: number
  /** Whether to use Nesterov momentum. Default false. */
  readonly nesterov?: boolean
  /** L2 penalty, added to the gradient. Default 0. */
  readonly weightDecay?: number
}

/** Gradient descent with momentum, as torch.optim.SGD without dampening. */
export class SGD extends Optimiser {
  /** Momentum buffers, in the order of the parameters; none without momentum. */
  readonly state: readonly Value[]
  /** Its options, with defaults filled in; `maxNorm` is undefined if gradients are not clipped. */
  readonly options: Required<Omit<SGDOptions, 'maxNorm'>> & Pick<SGDOptions, 'maxNorm'>

  /** @throws Error as every optimiser, if an option is negative or not finite, or `nesterov` is set without momentum */
  constructor(
    parameters: readonly Value[],
    { learningRate = 1e-3, momentum = 0, nesterov = false, weightDecay = 0, ...clipping }: SGDOptions = {},
  ) {
    super('sgd', parameters, learningRate, clipping.maxNorm, 1)
    this.options = { learningRate, momentum, nesterov, weightDecay, ...clipping }
    this.requireNumbers({ momentum, weightDecay })
    if (nesterov && !(momentum > 0))
      throw new Error(`sgd: nesterov needs a momentum above 0, not ${momentum}`)
    this.state =
      momentum === 0 ? [] : parameters.map((parameter) => this.stateOf(parameter, 'momentum_buffer'))
  }

  /** The learning rate. */
  scheduleAt(step: number): Float32Array {
    return Float32Array.of(this.learningRateAt(step))
  }

  /** The kernel that updates a parameter and its momentum; `index` counts parameters from 0. */
  protected kernelOf(index: number): UpdateKernel {
    const { momentum, nesterov, weightDecay } = this.options
    const buffer = this.state[index]
    return {
      shader: shaders.sgdUpdate,
      flags: { MOMENTUM: buffer !== undefined, NESTEROV: nesterov },
      params: { weight_decay: weightDecay, ...(buffer ? { momentum } : {}) },
      state: buffer ? { momentum_buffer: buffer } : {},
    }
  }
}
