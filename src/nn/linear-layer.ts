import { atLayer } from '../graph/layer.js'
import type { Value } from '../graph/value.js'
import { linear } from '../ops/index.js'
import type { Network } from './layer.js'
import { weightAndBias, type WeightAndBiasOptions } from './weight-and-bias.js'

/**
 * Every row times a matrix, as `torch.nn.Linear`: parameters NAME.weight [outputs, inputs] and NAME.bias [outputs]. It
 * reads flat values [.., inputs]; for the channels of volumes, use a `convLayer` with `kernelSize: 1`.
 *
 * @param random draws the parameters that the options do not initialise, see `seededRandom`
 */
export function linearLayer(
  name: string,
  inputs: number,
  outputs: number,
  random: () => number,
  options: WeightAndBiasOptions = {},
): Network {
  const parameters = weightAndBias(name, [outputs, inputs], outputs, random, options)
  const [weight, bias] = parameters
  const apply = (input: Value) => atLayer(name, () => linear(input, weight, bias))
  return Object.assign(apply, { parameters })
}
