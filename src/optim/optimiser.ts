import { gradients } from '../graph/gradients.js'
import { defineNode, type KernelCall, type OpNode } from '../graph/node.js'
import { input, Value } from '../graph/value.js'
import { whole } from '../graph/window.js'
import { clipFactor } from './clip.js'
import { learningRateAt, type LearningRate } from './schedules.js'

/** Options of all optimisers. */
export interface OptimiserOptions {
  /** A number, or a function of the step (counted from 1). Default 1e-3. */
  readonly learningRate?: LearningRate
  /** Largest global norm of the gradients; they are scaled down to it. Default: no clipping. */
  readonly maxNorm?: number
}

/** What one kind of optimiser runs for one parameter. */
export interface UpdateKernel extends Pick<KernelCall, 'shader'> {
  /** Flags of the shader but for `CLIP`, which says whether gradients are clipped. */
  readonly flags: Readonly<Record<string, boolean>>
  /** Fields of the shader's `struct Params` but for `count`, the parameter's size. */
  readonly params: Readonly<Record<string, number>>
  /** Its state, by the names of the bindings. */
  readonly state: Readonly<Record<string, Value>>
}

/**
 * What optimisers share. One object belongs to one set of parameters; its state is variables, so that several plans
 * share it. Every run of a plan that updates the parameters is a step; `variables.stepsOf(optimiser.schedule)` counts
 * them, and `setStepsOf` sets the count, for training that goes on from a checkpoint. To follow another count, write
 * `scheduleAt(step)` to `schedule` before each run; a plan leaves what was written to it alone.
 */
export abstract class Optimiser {
  /** Input of the numbers that change with the step. Plans write it themselves, unless the program does. */
  readonly schedule: Value
  /** All variables beside the parameters, for checkpoints. */
  abstract readonly state: readonly Value[]

  /** @param numbers of the schedule */
  protected constructor(
    /** Of messages, and of the nodes. */
    private readonly name: string,
    /** The variables that it trains, each of any shape; gradients and state follow their order. */
    readonly parameters: readonly Value[],
    private readonly rate: LearningRate,
    private readonly maxNorm: number | undefined,
    numbers: number,
  ) {
    this.schedule = input(`${name} schedule`, [numbers], { feed: (step) => this.scheduleAt(step) })
  }

  /**
   * What `schedule` must hold at a step.
   *
   * @param step counted from 1
   */
  abstract scheduleAt(step: number): Float32Array

  /** The kernel that updates one parameter, `index` counting the parameters from 0. */
  protected abstract kernelOf(index: number): UpdateKernel

  /** The nodes that update every parameter by the gradient of `loss`: effects for `compile`. */
  minimise(loss: Value): OpNode[] {
    return this.update(gradients(loss, this.parameters))
  }

  /**
   * The nodes that update every parameter by the given gradients, one for each, in their order.
   *
   * @throws Error if they are more or fewer, or of other sizes
   */
  update(grads: readonly Value[]): OpNode[] {
    if (grads.length !== this.parameters.length) {
      throw new Error(
        `${this.name}: ${grads.length} gradients given for ${this.parameters.length} parameters`,
      )
    }
    const clip = this.maxNorm === undefined ? undefined : clipFactor(grads, this.maxNorm)
    return grads.map((grad, i) => this.updateOne(i, grad, clip))
  }

  /**
   * The learning rate of a step.
   *
   * @throws Error if the step is below 1 or the learning rate is not finite
   */
  protected learningRateAt(step: number): number {
    if (!(step >= 1)) throw new Error(`${this.name}: steps are counted from 1, not ${step}`)
    const rate = learningRateAt(this.rate, step)
    if (!Number.isFinite(rate)) throw new Error(`${this.name}: the learning rate of step ${step} is ${rate}`)
    return rate
  }

  /** A variable of a parameter's shape that begins with zeros. */
  protected stateOf(parameter: Value, name: string): Value {
    return new Value(`${parameter.name}.${name}`, parameter.shape, 'variable', { layout: 'flat' })
  }

  private updateOne(index: number, grad: Value, clip: Value | undefined): OpNode {
    const parameter = this.parameters[index]!
    if (grad.size !== parameter.size) {
      throw new Error(
        `${this.name}: ${grad.name} [${grad.shape.join(', ')}] is not a gradient of ${parameter.name} [${parameter.shape.join(', ')}]`,
      )
    }
    const { shader, flags, params, state } = this.kernelOf(index)
    return defineNode({
      name: this.name,
      inputs: { grad, schedule: this.schedule, clip },
      mutates: [parameter, ...Object.values(state)],
      emit: () => [
        {
          shader,
          flags: { ...flags, CLIP: clip !== undefined },
          params: { ...params, count: parameter.size },
          bindings: {
            schedule: whole(this.schedule),
            grad: whole(grad),
            ...(clip ? { clip: whole(clip) } : {}),
            parameter: whole(parameter),
            ...Object.fromEntries(Object.entries(state).map(([binding, value]) => [binding, whole(value)])),
          },
          threads: [parameter.size],
        },
      ],
    })
  }
}
