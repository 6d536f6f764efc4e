import { gradients } from '../graph/gradients.js'
import { defineNode, type OpNode } from '../graph/node.js'
import { constant, Value } from '../graph/value.js'
import { whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { divide, maximum } from '../ops/index.js'
import type { Optimiser } from './optimiser.js'

/**
 * Gradient accumulation: one step of an optimiser with the mean of the gradients of several runs, for batches that do
 * not fit into memory. Two plans that share variables do it: one runs once per part of the batch, the other takes the
 * step.
 *
 * If the loss is a mean over the batch and its parts are of equal size, the mean of the gradients is that of the whole
 * batch, except for roundings. Statistics of a batch (`batchNorm`) are those of the part.
 *
 * @example
 * const accumulation = new GradientAccumulation(adam)
 * const part = await compile(gpu, { outputs: [], effects: accumulation.add(loss), variables })
 * const step = await compile(gpu, { outputs: [], effects: accumulation.step(), variables })
 * for (const scan of batch) {
 *   part.write(x, scan)
 *   await part.run()
 * }
 * await step.run()
 */
export class GradientAccumulation {
  /** Sums of gradients, one for each parameter, and the number of runs: variables that are 0 after a step. */
  readonly state: readonly Value[]
  private readonly sums: readonly Value[]
  private readonly count: Value

  /** @param optimiser takes the steps; its parameters are those whose gradients are summed */
  constructor(private readonly optimiser: Optimiser) {
    this.sums = optimiser.parameters.map(
      ({ name, shape }) => new Value(`${name}.gradient_sum`, shape, 'variable', { layout: 'flat' }),
    )
    this.count = new Value('accumulated gradients', [1], 'variable')
    this.state = [...this.sums, this.count]
  }

  /** The nodes that add the gradient of `loss` to the sums: pass them to `compile` as `effects`. */
  add(loss: Value): OpNode[] {
    const grads = gradients(loss, this.optimiser.parameters)
    const one = constant('one', [1], Float32Array.of(1))
    return [...this.sums.map((sum, i) => update(sum, grads[i])), update(this.count, one)]
  }

  /**
   * The nodes that take a step with the mean of the gradients added since the last one, and clear the sums. Without any,
   * the gradients are 0.
   */
  step(): OpNode[] {
    const count = maximum(this.count, 1)
    const updates = this.optimiser.update(this.sums.map((sum) => divide(sum, count)))
    return [...updates, ...this.state.map((sum) => update(sum))]
  }
}

/** Adds to a sum, or clears it. */
function update(sum: Value, term?: Value): OpNode {
  return defineNode({
    name: 'accumulation',
    inputs: { term },
    mutates: [sum],
    emit: () => [
      {
        shader: shaders.accumulationUpdate,
        flags: { RESET: term === undefined },
        params: { count: sum.size },
        bindings: { sum: whole(sum), ...(term ? { term: whole(term) } : {}) },
        threads: [sum.size],
      },
    ],
  })
}
