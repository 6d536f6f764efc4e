import type { Value } from '../graph/value.js'
import { dropout } from '../ops/index.js'
import { requireProbability } from '../ops/dropout.js'
import type { Network } from './layer.js'
import { currentTraining } from './training.js'

/**
 * Dropout, as `torch.nn.Dropout`: in a graph built by `inTraining`, every number is 0 with probability p, else divided by
 * 1 - p, by another mask for each layer and step; in other graphs, it returns its input.
 *
 * @param p in [0, 1)
 * @throws Error for any other p
 */
export function dropoutLayer(p: number): Network {
  requireProbability('dropout layer', p)
  const apply = (input: Value) => {
    const training = currentTraining()
    if (!training) return input
    // Stream 0 is that of `uniformNoise`.
    training.dropouts += 1
    return dropout(input, p, training.counter, { stream: training.dropouts })
  }
  return Object.assign(apply, { parameters: [] })
}
