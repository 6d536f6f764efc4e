import { volumeShape, type Value } from '../graph/value.js'
import { normalise, type NormaliseOptions } from './shared/normalise.js'

/** Settings of `instanceNorm`. */
export interface InstanceNormOptions extends NormaliseOptions {
  /** Multiplies the normalised channels, [C]. Default 1. */
  readonly weight?: Value
  /** Added to the normalised channels, [C]. Default 0. */
  readonly bias?: Value
}

/**
 * Instance normalisation as `torch.nn.functional.instance_norm`: every channel of every batch element is scaled to mean
 * 0 and (biased) variance 1, then multiplied by its weight and increased by its bias, if given.
 *
 * @param input [N, C, D, H, W]
 * @throws Error if weight or bias is not [C], or an option is out of its range
 */
export function instanceNorm(input: Value, options: InstanceNormOptions = {}): Value {
  const { weight, bias } = options
  volumeShape(input, 'instance_norm')
  const group = { channels: 1, wholeBatch: false }
  return normalise('instance_norm', input, group, { weight, bias }, options)[0]
}
