import { gradients } from '../graph/gradients.js'
import { defineNode, type KernelCall, type OpNode } from '../graph/node.js'
import { requireValues } from '../graph/require-values.js'
import { input, requireSameShape, Value } from '../graph/value.js'
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

/** The kernel by which an optimiser updates one parameter. */
export interface UpdateKernel extends Pick<KernelCall, 'shader'> {
  /** Flags of the shader, except `CLIP`, which says whether gradients are clipped. */
  readonly flags: Readonly<Record<string, boolean>>
  /** Fields of the shader's `struct Params`, except `count`, the parameter's size. */
  readonly params: Readonly<Record<string, number>>
  /** Its state, by the names of the bindings. */
  readonly state: Readonly<Record<string, Value>>
}

/**
 * What optimisers share. An optimiser belongs to one set of parameters. Its state consists of variables, so that plans
 * can share it. Every run of a plan that updates the parameters is a step; `variables.stepsOf(optimiser.schedule)` is
 * their number, and `setStepsOf` sets it, to resume from a checkpoint. To count differently, write `scheduleAt(step)`
 * to `schedule` before each run; a plan never overwrites what you wrote.
 */
export abstract class Optimiser {
  /** Input for the numbers that change with the step. Plans write it, unless the program does. */
  readonly schedule: Value
  /** All variables other than the parameters, for checkpoints. */
  abstract readonly state: readonly Value[]

  /**
   * @param numbers how many numbers the schedule holds
   * @throws Error unless the parameters are distinct variables, at least one, and the rate a function or a number of at least 0
   */
  protected constructor(
    /** Name in messages, and of the nodes. */
    private readonly name: string,
    /** The variables that it trains, of any shapes; gradients and state are in the same order. */
    readonly parameters: readonly Value[],
    private readonly rate: LearningRate,
    private readonly maxNorm: number | undefined,
    numbers: number,
  ) {
    requireValues(`${name}: parameters`, parameters)
    if (parameters.length === 0) throw new Error(`${name}: there is no parameter to train`)
    const seen = new Set<Value>()
    for (const parameter of parameters) {
      if (parameter.role !== 'variable' || seen.has(parameter))
        throw new Error(
          `${name}: ${parameter.name} is ${seen.has(parameter) ? 'there twice' : `not a variable, but ${parameter.role}`}`,
        )
      seen.add(parameter)
    }
    if (typeof rate !== 'function') this.requireNumbers({ 'learning rate': rate })
    this.schedule = input(`${name} schedule`, [numbers], { feed: (step) => this.scheduleAt(step) })
  }

  /**
   * What `schedule` must hold at a step.
   *
   * @param step counted from 1
   */
  abstract scheduleAt(step: number): Float32Array

  /** The kernel that updates a parameter; `index` counts parameters from 0. */
  protected abstract kernelOf(index: number): UpdateKernel

  /** The nodes that update every parameter by the gradient of `loss`: pass them to `compile` as `effects`. */
  minimise(loss: Value): OpNode[] {
    return this.update(gradients(loss, this.parameters))
  }

  /**
   * The nodes that update every parameter by a given gradient.
   *
   * @param grads one for each parameter, in the same order
   * @throws Error if their number, shapes or layouts do not match
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
   * @throws Error if the step is below 1, or the learning rate is negative or not finite
   */
  protected learningRateAt(step: number): number {
    if (!(step >= 1)) throw new Error(`${this.name}: steps are counted from 1, not ${step}`)
    const rate = learningRateAt(this.rate, step)
    this.requireNumbers({ [`learning rate of step ${step}`]: rate })
    return rate
  }

  /** @throws Error naming the first of these options that is negative or not finite */
  protected requireNumbers(options: Readonly<Record<string, number>>): void {
    for (const [option, number] of Object.entries(options))
      if (!(Number.isFinite(number) && number >= 0))
        throw new Error(`${this.name}: ${option} must be a number of at least 0, not ${number}`)
  }

  /** A variable with a parameter's shape, initially zero. */
  protected stateOf(parameter: Value, name: string): Value {
    return new Value(`${parameter.name}.${name}`, parameter.shape, 'variable', { layout: 'flat' })
  }

  private updateOne(index: number, grad: Value, clip: Value | undefined): OpNode {
    const parameter = this.parameters[index]!
    requireSameShape(this.name, grad, parameter)
    const { shader, flags, params, state } = this.kernelOf(index)
    this.requireNumbers(params)
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
