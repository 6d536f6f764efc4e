import { volumeShape, type Value } from '../graph/value.js'
import { normalise, type NormaliseOptions } from './shared/normalise.js'

/**
 * Group normalisation (Wu and He 2018) as `torch.nn.functional.group_norm`: the channels of every batch element form
 * `groups` equal groups of successive channels. Each group is scaled to mean 0 and (biased) variance 1, then multiplied
 * by the weight and increased by the bias of the channel, if given. One group is layer normalisation over a whole
 * image.
 *
 * @param input [N, C, D, H, W]
 * @param weight [C]
 * @param bias [C]
 * @throws Error if the groups are not equal, weight or bias is not [C], or an option is out of its range
 */
export function groupNorm(
  input: Value,
  groups: number,
  weight?: Value,
  bias?: Value,
  options: NormaliseOptions = {},
): Value {
  const { channels } = volumeShape(input, 'group_norm')
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new Error(`group_norm: ${channels} channels do not make ${groups} equal groups`)
  const group = { channels: channels / groups, wholeBatch: false }
  return normalise('group_norm', input, group, { weight, bias }, options)[0]
}
