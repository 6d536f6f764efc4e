import { atLayer } from '../graph/layer.js'
import type { Value } from '../graph/value.js'
import { labelConv3d } from '../ops/index.js'
import type { Network } from './layer.js'
import { seededRandom } from './random.js'
import { sameConvLayer } from './same-conv-layer.js'

/** Options of a decoder. */
export interface DecoderOptions {
  /** Channels of its input: one for each class. */
  readonly classes: number
  /** Channels of its output. Default 1. */
  readonly outputs?: number
  /** Seed of the initial weights. Default 0. */
  readonly seed?: number
}

/**
 * The decoder of docs/equations.md: one 3x3x3 convolution from labels to an image, of one channel or several, and a sigmoid.
 * Parameters `decoder.weight` and `decoder.bias`; input [N, classes, D, H, W], or u32 labels [N, 1, D, H, W], which it
 * reads as one-hot; output [N, outputs, D, H, W] in (0, 1).
 */
export function decoder({ classes, outputs = 1, seed = 0 }: DecoderOptions): Network {
  const layer = sameConvLayer('decoder', classes, outputs, seededRandom(seed ^ 0x5deece66))
  const [weight, bias] = layer.parameters
  const apply: (input: Value) => Value = (input) =>
    input.dtype === 'u32'
      ? atLayer('decoder', () => labelConv3d(input, weight!, bias, { activation: 'sigmoid' }))
      : layer(input, { activation: 'sigmoid' })
  return Object.assign(apply, { parameters: layer.parameters })
}
