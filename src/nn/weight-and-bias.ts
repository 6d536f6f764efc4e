import { parameter, type Shape, type Value } from '../graph/value.js'
import { fansOf, filledWith, uniformWithin, type Initialiser } from './initialisers.js'

/** How the parameters of a layer begin. */
export interface WeightAndBiasOptions {
  /** Default: uniform within 1/sqrt(fan in), as PyTorch's layers. */
  readonly weight?: Initialiser | undefined
  /** False for none. Default: uniform within 1/sqrt(fan in) of the weight, as PyTorch's layers. */
  readonly bias?: Initialiser | false | undefined
}

/** NAME.weight of this shape, and NAME.bias [outputs] unless the options leave it out; the weight is drawn first. */
export function weightAndBias(
  name: string,
  shape: Shape,
  outputs: number,
  random: () => number,
  options: WeightAndBiasOptions,
): readonly [weight: Value, ...bias: Value[]] {
  const usual = uniformWithin(random, 1 / Math.sqrt(fansOf(shape).in))
  const { weight = usual, bias = usual } = options
  const first = parameter(`${name}.weight`, shape, weight(shape))
  return bias === false ? [first] : [first, parameter(`${name}.bias`, [outputs], bias([outputs]))]
}

/** NAME.weight [channels], ones, and NAME.bias [channels], zeros: those of a normalisation. */
export function scaleAndShift(name: string, channels: number): readonly [weight: Value, bias: Value] {
  const filled = (part: string, value: number) =>
    parameter(`${name}.${part}`, [channels], filledWith(value)([channels]))
  return [filled('weight', 1), filled('bias', 0)]
}
