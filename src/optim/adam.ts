import { gradients } from '../autograd/gradients.js'
import { defineNode, scratch, type OpNode } from '../autograd/node.js'
import { input, Value } from '../autograd/value.js'
import { whole } from '../autograd/window.js'
import * as shaders from '../generated/shaders.js'

export interface AdamOptions {
  /** Default 1e-3. */
  readonly learningRate?: number
  /** Decay of the first and second moment. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number]
  /** Added to the root of the second moment. Default 1e-8. */
  readonly epsilon?: number
  /** L2 penalty, added to the gradient as torch.optim.Adam does. Default 0. */
  readonly weightDecay?: number
  /** Largest global norm of the gradients; they are scaled down to it. Default: no clipping. */
  readonly maxNorm?: number
}

/**
 * Adam (Kingma and Ba 2015). One object belongs to one set of parameters; its moments are variables, so that
 * several plans share them. Before each run, write `scheduleAt(step)` to `schedule`.
 */
export class Adam {
  /** Input of two numbers that change with the step. */
  readonly schedule = input('adam schedule', [2])
  /** First and second moments, in the order of the parameters. */
  readonly moments: readonly { readonly first: Value; readonly second: Value }[]
  readonly options: Required<Omit<AdamOptions, 'maxNorm'>> & Pick<AdamOptions, 'maxNorm'>

  constructor(
    readonly parameters: readonly Value[],
    options: AdamOptions = {},
  ) {
    this.options = { learningRate: 1e-3, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, ...options }
    this.moments = parameters.map((parameter) => ({
      first: new Value(`${parameter.name}.first_moment`, parameter.shape, 'variable', { layout: 'flat' }),
      second: new Value(`${parameter.name}.second_moment`, parameter.shape, 'variable', { layout: 'flat' }),
    }))
  }

  /** What `schedule` must hold at a step, counted from 1: the learning rate with its bias corrections. */
  scheduleAt(step: number): Float32Array {
    const { learningRate, betas } = this.options
    return Float32Array.of(learningRate / (1 - betas[0] ** step), 1 / Math.sqrt(1 - betas[1] ** step))
  }

  /** The nodes that update every parameter by the gradient of `loss`: effects for `compile`. */
  minimise(loss: Value): OpNode[] {
    return this.update(gradients(loss, this.parameters))
  }

  /** The nodes that update every parameter by the given gradients, one for each, in their order. */
  update(grads: readonly Value[]): OpNode[] {
    const { maxNorm } = this.options
    const clip = maxNorm === undefined ? undefined : clipFactor(grads, maxNorm)
    return this.parameters.map((parameter, i) => this.updateOne(parameter, grads[i]!, this.moments[i]!, clip))
  }

  private updateOne(
    parameter: Value,
    grad: Value,
    moments: { first: Value; second: Value },
    clip?: Value,
  ): OpNode {
    const { betas, epsilon, weightDecay } = this.options
    return defineNode({
      op: 'adam',
      inputs: [grad, this.schedule, ...(clip ? [clip] : [])],
      mutates: [parameter, moments.first, moments.second],
      emit: () => [
        {
          shader: shaders.adamUpdate,
          flags: { CLIP: clip !== undefined },
          params: {
            count: parameter.size,
            beta1: betas[0],
            beta2: betas[1],
            complement1: 1 - betas[0],
            complement2: 1 - betas[1],
            epsilon,
            weight_decay: weightDecay,
          },
          bindings: {
            schedule: whole(this.schedule),
            grad: whole(grad),
            ...(clip ? { clip: whole(clip) } : {}),
            parameter: whole(parameter),
            first_moment: whole(moments.first),
            second_moment: whole(moments.second),
          },
          workgroups: [Math.ceil(parameter.size / 64), 1, 1],
        },
      ],
    })
  }
}

/** min(1, maxNorm / norm of all gradients together), a scalar. */
function clipFactor(grads: readonly Value[], maxNorm: number): Value {
  if (!(maxNorm > 0)) throw new Error(`adam: the largest norm must be positive, not ${maxNorm}`)
  const squares = scratch('squared norms', [grads.length])
  const node = defineNode({
    op: 'clip by global norm',
    inputs: grads,
    outputs: [{ name: 'clip factor', shape: [1] }],
    scratch: [squares],
    emit: ([output]) => [
      ...grads.map((grad, slot) => ({
        shader: shaders.adamSquares,
        params: { count: grad.size, slot },
        bindings: { grad: whole(grad), squares: whole(squares) },
        workgroups: [1, 1, 1] as const,
      })),
      {
        shader: shaders.adamClip,
        params: { count: grads.length, max_norm: maxNorm },
        bindings: { squares: whole(squares), output: whole(output!) },
        workgroups: [1, 1, 1] as const,
      },
    ],
  })
  return node.outputs[0]!
}
