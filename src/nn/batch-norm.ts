import { parameter, Value } from '../graph/value.js'
import {
  batchNorm,
  batchNormBy,
  type BatchNormalised,
  type BatchNormOptions,
  type RunningStatistics,
} from '../ops/index.js'

/** A batch normalisation with its parameters and running statistics. */
export interface BatchNorm {
  /** NAME.weight [channels], ones, and NAME.bias [channels], zeros. */
  readonly parameters: readonly [Value, Value]
  /** Variables NAME.running_mean, zeros, and NAME.running_var, ones: not trained, but part of a checkpoint. */
  readonly running: RunningStatistics
  /** Normalises by the batch's statistics; pass `update` to `compile` among the `effects`. */
  readonly train: (input: Value) => BatchNormalised
  /** Normalises by the running statistics. */
  readonly evaluate: (input: Value) => Value
}

/**
 * Batch normalisation of `channels` channels, as `torch.nn.BatchNorm3d`. Plans that train and plans that evaluate share
 * parameters and statistics if they share `Variables`.
 */
export function batchNormLayer(
  name: string,
  channels: number,
  options: Pick<BatchNormOptions, 'epsilon' | 'momentum'> = {},
): BatchNorm {
  const weight = parameter(`${name}.weight`, [channels], new Float32Array(channels).fill(1))
  const bias = parameter(`${name}.bias`, [channels], new Float32Array(channels))
  const statistic = (kind: string, initial: number) =>
    new Value(`${name}.running_${kind}`, [channels], 'variable', {
      initial: new Float32Array(channels).fill(initial),
    })
  const running = { mean: statistic('mean', 0), variance: statistic('var', 1) }
  return {
    parameters: [weight, bias],
    running,
    train: (input) => batchNorm(input, weight, bias, { ...options, running }),
    evaluate: (input) => batchNormBy(input, running, weight, bias, options),
  }
}
