import { defineNode, type OpNode } from '../graph/node.js'
import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { normalise, normaliseBy, requireEpsilon, type NormaliseOptions } from './shared/normalise.js'

/** Mean and unbiased variance of every channel over the training so far: two variables [C]. */
export interface RunningStatistics {
  /** Running mean, [C]; PyTorch's `running_mean`. */
  readonly mean: Value
  /** Running unbiased variance, [C]; PyTorch's `running_var`. */
  readonly variance: Value
}

/** How `batchNorm` normalises, and which running statistics it keeps. */
export interface BatchNormOptions extends NormaliseOptions {
  /** Variables that track the statistics of the batches; with them, there is an `update`. */
  readonly running?: RunningStatistics
  /** Weight of the newest batch in the running statistics, in 0..1. Default 0.1. */
  readonly momentum?: number
}

/** A batch normalised by its own statistics. */
export interface BatchNormalised {
  /** The normalised numbers, of the input's shape [N, C, D, H, W]. */
  readonly output: Value
  /** The effect (see `compile`) that updates the running statistics, if there are any. */
  readonly update: OpNode | undefined
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015) in training, as `torch.nn.functional.batch_norm` with `training=True`:
 * each channel, over the whole batch, is scaled to mean 0 and (biased) variance 1, then multiplied by its weight and
 * increased by its bias, if given.
 *
 * @param input [N, C, D, H, W], more than one voxel per channel
 * @param weight [C]
 * @param bias [C]
 * @throws Error if a channel has only one voxel, a flat argument is not [C], or an option is out of its range
 */
export function batchNorm(
  input: Value,
  weight?: Value,
  bias?: Value,
  options: BatchNormOptions = {},
): BatchNormalised {
  const { epsilon = 1e-5, running, momentum = 0.1 } = options
  requireMomentum('batch_norm', options)
  const { channels, voxels } = volumeShape(input, 'batch_norm')
  if (voxels === 1) throw new Error('batch_norm: one voxel per channel has no variance to train with')
  const group = { channels: 1, wholeBatch: true }
  const [output, statistics] = normalise('batch_norm', input, group, { weight, bias }, options)
  if (!running) return { output, update: undefined }
  requireRunning(running, channels)
  const update = defineNode({
    name: 'batch_norm running statistics',
    inputs: { statistics },
    mutates: [running.mean, running.variance],
    emit: () => [
      {
        shader: shaders.batchNormRunning,
        params: { channels, momentum, epsilon, correction: voxels / (voxels - 1) },
        bindings: {
          statistics: whole(statistics),
          running_mean: whole(running.mean),
          running_variance: whole(running.variance),
        },
        threads: [channels, 1, 1],
      },
    ],
  })
  return { output, update }
}

/** @throws Error unless the momentum is in 0..1 */
export function requireMomentum(name: string, { momentum = 0.1 }: BatchNormOptions): void {
  if (!(momentum >= 0 && momentum <= 1)) throw new Error(`${name}: momentum must be in 0..1, not ${momentum}`)
}

/**
 * Batch normalisation in evaluation: by running statistics instead of the batch's own. The epsilon may be 0 here, if no
 * running variance is.
 *
 * @param input [N, C, D, H, W]
 * @param running two values [C]; no gradient flows into them
 * @throws Error if a flat argument is not [C], or an option is out of its range
 */
export function batchNormBy(
  input: Value,
  running: RunningStatistics,
  weight?: Value,
  bias?: Value,
  options: NormaliseOptions = {},
): Value {
  const { epsilon = 1e-5 } = options
  if (epsilon !== 0) requireEpsilon('batch_norm', options)
  const { channels } = volumeShape(input, 'batch_norm')
  requireRunning(running, channels)
  const statistics = op({
    name: 'batch_norm statistics',
    inputs: { mean: running.mean, variance: running.variance },
    output: { shape: [channels, 2] },
    emit: (statistics) => [
      {
        shader: shaders.batchNormStatistics,
        params: { channels, epsilon },
        bindings: {
          mean: whole(running.mean),
          variance: whole(running.variance),
          statistics: whole(statistics),
        },
        threads: [channels, 1, 1],
      },
    ],
  })
  return normaliseBy('batch_norm', input, statistics, { weight, bias }, options)
}

function requireRunning({ mean, variance }: RunningStatistics, channels: number): void {
  for (const value of [mean, variance]) {
    if (value.size !== channels)
      throw new Error(
        `batch_norm: ${value.name} [${value.shape.join(', ')}] must have a number for each of ${channels} channels`,
      )
  }
}
