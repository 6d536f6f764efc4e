import { atLayer } from '../graph/layer.js'
import { Value } from '../graph/value.js'
import {
  batchNorm,
  batchNormBy,
  groupNorm,
  instanceNorm,
  type BatchNormOptions,
  type NormaliseOptions,
  type RunningStatistics,
} from '../ops/index.js'
import { requireMomentum } from '../ops/batch-norm.js'
import { requireEpsilon } from '../ops/shared/normalise.js'
import { filledWith } from './initialisers.js'
import type { Network } from './layer.js'
import { currentTraining } from './training.js'
import { scaleAndShift } from './weight-and-bias.js'

/** A batch normalisation with its parameters and running statistics. */
export interface BatchNorm extends Network {
  /** The variables of `running`. */
  readonly statistics: readonly [Value, Value]
  /** Variables NAME.running_mean, zeros at first, and NAME.running_var, ones. */
  readonly running: RunningStatistics
}

/**
 * Batch normalisation of `channels` channels, as `torch.nn.BatchNorm3d`: parameters NAME.weight and NAME.bias
 * [channels]. In a graph built by `inTraining`, it normalises by the batch's statistics and adds an update of the running
 * ones; in other graphs, it normalises by the running statistics. Plans share them if they share `Variables`.
 *
 * @throws Error if epsilon is not above 0, or the momentum not in 0..1
 */
export function batchNormLayer(
  name: string,
  channels: number,
  options: Omit<BatchNormOptions, 'running'> = {},
): BatchNorm {
  requireEpsilon(name, options)
  requireMomentum(name, options)
  const parameters = scaleAndShift(name, channels)
  const [weight, bias] = parameters
  const statistic = (kind: string, initial: number) =>
    new Value(`${name}.running_${kind}`, [channels], 'variable', { initial: filledWith(initial)([channels]) })
  const running = { mean: statistic('mean', 0), variance: statistic('var', 1) }
  const apply = (input: Value) => atLayer(name, () => normaliseBatch(input, running, weight, bias, options))
  return Object.assign(apply, {
    parameters,
    statistics: [running.mean, running.variance] as const,
    running,
  })
}

/** Batch normalisation as the graph that is built wants it: by the batch in training, else by the running statistics. */
export function normaliseBatch(
  input: Value,
  running: RunningStatistics,
  weight: Value,
  bias: Value,
  options: Omit<BatchNormOptions, 'running'>,
): Value {
  const training = currentTraining()
  if (!training) return batchNormBy(input, running, weight, bias, options)
  const { output, update } = batchNorm(input, weight, bias, { ...options, running })
  if (update) training.updates.push(update)
  return output
}

/**
 * Instance normalisation, as `torch.nn.InstanceNorm3d` with `affine=True`: parameters NAME.weight and NAME.bias
 * [channels]. Without them, the op `instanceNorm` is a layer as it is.
 *
 * @throws Error if epsilon is not above 0
 */
export function instanceNormLayer(name: string, channels: number, options: NormaliseOptions = {}): Network {
  requireEpsilon(name, options)
  const parameters = scaleAndShift(name, channels)
  const [weight, bias] = parameters
  const apply = (input: Value) => atLayer(name, () => instanceNorm(input, { ...options, weight, bias }))
  return Object.assign(apply, { parameters })
}

/**
 * Group normalisation, as `torch.nn.GroupNorm`: parameters NAME.weight and NAME.bias [channels].
 *
 * @throws Error if epsilon is not above 0
 */
export function groupNormLayer(
  name: string,
  groups: number,
  channels: number,
  options: NormaliseOptions = {},
): Network {
  requireEpsilon(name, options)
  const parameters = scaleAndShift(name, channels)
  const apply = (input: Value) => atLayer(name, () => groupNorm(input, groups, ...parameters, options))
  return Object.assign(apply, { parameters })
}
