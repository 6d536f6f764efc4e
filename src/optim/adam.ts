import type { Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { Optimiser, type OptimiserOptions, type UpdateKernel } from './optimiser.js'

/** Options of `Adam` and `AdamW`, with the meanings and defaults of torch.optim. */
export interface AdamOptions extends OptimiserOptions {
  /** Decay of the first and second moment. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number]
  /** Added to the root of the second moment. Default 1e-8. */
  readonly epsilon?: number
  /** L2 penalty, added to the gradient; for AdamW, decoupled weight decay. Default 0, for AdamW 0.01. */
  readonly weightDecay?: number
  /** Whether to divide by the largest second moment so far (Reddi et al. 2018). Default false. */
  readonly amsgrad?: boolean
}

/** Adam's state for one parameter. */
export interface Moments {
  /** Exponential mean of the gradient, of the parameter's shape; PyTorch's `exp_avg`. */
  readonly first: Value
  /** Exponential mean of the squared gradient, of the parameter's shape; PyTorch's `exp_avg_sq`. */
  readonly second: Value
  /** The largest second moment so far, with `amsgrad`. */
  readonly largest?: Value
}

/** How weights decay; 0 for not at all. */
export interface WeightDecay {
  /** L2 penalty: this times the parameter is added to the gradient. */
  readonly penalty: number
  /** Decoupled decay: before each step, the parameter is multiplied by 1 - learning rate * this. */
  readonly decoupled: number
}

/** Adam (Kingma and Ba 2015), as torch.optim.Adam. */
export class Adam extends Optimiser {
  /** In the order of the parameters. */
  readonly moments: readonly Moments[]
  /** Its options, with defaults filled in; `maxNorm` is undefined if gradients are not clipped. */
  readonly options: Required<Omit<AdamOptions, 'maxNorm'>> & Pick<AdamOptions, 'maxNorm'>

  /** @throws Error as every optimiser, if a beta is not in [0, 1), or epsilon or the decay is negative or not finite */
  constructor(
    parameters: readonly Value[],
    {
      learningRate = 1e-3,
      betas = [0.9, 0.999],
      epsilon = 1e-8,
      weightDecay = 0,
      amsgrad = false,
      ...clipping
    }: AdamOptions = {},
  ) {
    super('adam', parameters, learningRate, clipping.maxNorm, 3)
    this.options = { learningRate, betas, epsilon, weightDecay, amsgrad, ...clipping }
    this.requireNumbers({ epsilon, weightDecay })
    if (!betas.every((beta) => beta >= 0 && beta < 1))
      throw new Error(`adam: betas must be at least 0 and below 1, not ${betas.join(', ')}`)
    this.moments = parameters.map((parameter) => ({
      first: this.stateOf(parameter, 'first_moment'),
      second: this.stateOf(parameter, 'second_moment'),
      ...(amsgrad ? { largest: this.stateOf(parameter, 'largest_second_moment') } : {}),
    }))
  }

  get state(): Value[] {
    return this.moments.flatMap(({ first, second, largest }) => [
      first,
      second,
      ...(largest ? [largest] : []),
    ])
  }

  /** The learning rate with bias corrections, and the factor of the decoupled decay. */
  scheduleAt(step: number): Float32Array {
    const { betas } = this.options
    const rate = this.learningRateAt(step)
    return Float32Array.of(
      rate / (1 - betas[0] ** step),
      1 / Math.sqrt(1 - betas[1] ** step),
      1 - rate * this.decay.decoupled,
    )
  }

  /** The two ways in which weights decay. */
  protected get decay(): WeightDecay {
    return { penalty: this.options.weightDecay, decoupled: 0 }
  }

  /** The kernel that updates a parameter and its moments; `index` counts parameters from 0. */
  protected kernelOf(index: number): UpdateKernel {
    const { betas, epsilon, amsgrad } = this.options
    const { first, second, largest } = this.moments[index]!
    return {
      shader: shaders.adamUpdate,
      flags: { AMSGRAD: amsgrad },
      params: {
        beta1: betas[0],
        beta2: betas[1],
        complement1: 1 - betas[0],
        complement2: 1 - betas[1],
        epsilon,
        weight_decay: this.decay.penalty,
      },
      state: {
        first_moment: first,
        second_moment: second,
        ...(largest ? { largest_second_moment: largest } : {}),
      },
    }
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW: before each step the parameters
 * shrink by the factor 1 - learningRate * weightDecay, which does not affect the moments.
 */
export class AdamW extends Adam {
  constructor(parameters: readonly Value[], options: AdamOptions = {}) {
    super(parameters, { ...options, weightDecay: options.weightDecay ?? 0.01 })
  }

  protected override get decay(): WeightDecay {
    return { penalty: 0, decoupled: this.options.weightDecay }
  }
}
