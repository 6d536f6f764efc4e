import type { Value } from '../graph/value.js'

/** A network or a layer of one: a function that builds its graph for an input, with what it has learned. */
export interface Network {
  /** Trainable values, in the order in which they are used. */
  readonly parameters: readonly Value[]
  /** Variables that training changes without an optimiser: running statistics. Save them with the parameters. */
  readonly statistics?: readonly Value[]
  (input: Value): Value
}

/** A network that is put together from others. */
export interface Sequential extends Network {
  /** The statistics of all its layers. */
  readonly statistics: readonly Value[]
}

/**
 * Applies layers one after the other, as `torch.nn.Sequential`. Ops with one input are layers too: `relu`, or
 * `(x) => maxPool3d(x, { kernelSize: 2 })`. Layers keep the names that they were made with.
 *
 * @throws what a layer throws if it cannot read the output of the one before it
 *
 * @example
 * const block = sequential(convLayer('block.0', 1, 8, random), instanceNorm, relu)
 */
export function sequential(...layers: readonly (Network | ((input: Value) => Value))[]): Sequential {
  const networks = layers.filter((layer): layer is Network => 'parameters' in layer)
  return Object.assign((input: Value) => layers.reduce((value, layer) => layer(value), input), {
    // A layer may stand in several places.
    parameters: [...new Set(networks.flatMap(({ parameters }) => parameters))],
    statistics: [...new Set(networks.flatMap(({ statistics = [] }) => statistics))],
  })
}
