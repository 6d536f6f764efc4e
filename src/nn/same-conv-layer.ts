import { atLayer } from '../graph/layer.js'
import type { Value } from '../graph/value.js'
import type { Activation } from '../ops/conv3d/activation.js'
import { sameConv3d, type UpsampledAndSkip } from '../ops/conv3d/same.js'
import type { Network } from './layer.js'
import { weightAndBias } from './weight-and-bias.js'

/** A convolution that keeps the size, with its parameters. */
export interface SameConvLayer extends Network {
  (input: Value | UpsampledAndSkip, options?: { readonly activation?: Activation }): Value
}

/**
 * The `convLayer` of a 3x3x3 convolution that keeps the size, for programs that load the kernels of no other; parameters
 * NAME.weight [outputs, inputs, 3, 3, 3] and NAME.bias [outputs], drawn as PyTorch does.
 */
export function sameConvLayer(
  name: string,
  inputs: number,
  outputs: number,
  random: () => number,
): SameConvLayer {
  const parameters = weightAndBias(name, [outputs, inputs, 3, 3, 3], outputs, random, {})
  const [weight, bias] = parameters
  const apply = (input: Value | UpsampledAndSkip, options?: { readonly activation?: Activation }) =>
    atLayer(name, () => sameConv3d(input, weight, bias, options))
  return Object.assign(apply, { parameters })
}
