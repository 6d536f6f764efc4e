import { input, type Value } from '../../graph/value.js'
import {
  argmax,
  crop,
  dot,
  mrfEnergy,
  posterior,
  square,
  squaredError,
  subtract,
  supportMask,
  weightedSum,
  type Box,
} from '../../ops/index.js'
import { broadcast } from '../../ops/shared/broadcast.js'
import { sumAxes } from '../../ops/sum-axes.js'
import { mixtureTarget, type MixtureForm, type MixtureTarget } from '../mixture/mixture-target.js'
import { channelsOf, modelLogits, type Model } from '../model.js'
import { partCountsOf } from '../prior/parts.js'

/** Settings of the objective that are part of the graph. */
export interface ObjectiveOptions {
  /** Weight of the MRF prior; 0 gives the spatially independent prior. */
  readonly beta: number
  /** Edge length k of the MRF's neighbourhood: odd, 3 to 21. */
  readonly neighbourhood: number
  /** Temperature tau of the Gumbel-softmax. */
  readonly temperature: number
  /** The region of the prior: sums run over its voxels only. Default: all of the scan. */
  readonly region?: Box | undefined
  /** Form of the Gaussian mixture whose posterior is the target of the divergence. Default: the prior is the target. */
  readonly mixture?: MixtureForm | undefined
}

/**
 * The graph of one training step. Volumes are [N, ., D, H, W] of the region, but the scan is whole. Losses are scalars [1]: sums
 * over voxels, means over the batch.
 */
export interface Objective {
  /** Intensities in 0..1, [N, C, D, H, W]. */
  readonly scan: Value
  /** An input: the prior's probabilities, [N, K, D, H, W]. */
  readonly prior: Value
  /** log M, [K, K]; an input that is read only if beta > 0. */
  readonly mrfTable: Value
  /** Weight of the squared error of each channel, [C]: alpha, or the one that its sigma gives. */
  readonly reconstructionWeight: Value
  /** The target of the divergence, if not the prior. */
  readonly mixture: MixtureTarget | undefined
  /** Outputs of the encoder's blocks. */
  readonly blocks: readonly Value[]
  /** With the classes outside the prior's support ruled out. */
  readonly logits: Value
  /** Class probabilities within the support of the divergence's target: the prior, or the mixture's posterior. [N, K, D, H, W] */
  readonly posterior: Value
  /** Classes drawn from the posterior, u32 [N, 1, D, H, W]. */
  readonly sample: Value
  /** The decoder's image of the sample, [N, C, D, H, W] in (0, 1). */
  readonly reconstruction: Value
  /** Most probable class, u32 [N, 1, D, H, W]. */
  readonly segmentation: Value
  /** Sum of squared errors of each channel, unweighted, [C]. */
  readonly squaredError: Value
  /** Divergence of the posterior from the prior, or from that of the mixture. */
  readonly klLoss: Value
  /** Already times beta. Undefined if beta is 0. */
  readonly mrfLoss: Value | undefined
  /** What is minimised: weight . squaredError + klLoss + mrfLoss. */
  readonly loss: Value
}

/**
 * Builds the objective of docs/equations.md for scans of one shape.
 *
 * @param scan [N, C, D, H, W]
 * @param randomness of the sample: uniform noise [N, K, D, H, W], or a counter (seed, step) to make it from
 */
export function saeObjective(
  model: Model,
  scan: Value,
  randomness: Value,
  options: ObjectiveOptions,
): Objective {
  const { classes } = model.architecture
  const { region } = options
  const channels = channelsOf(model.architecture)
  const explained = region ? crop(scan, region) : scan
  const prior = input('prior', [scan.shape[0]!, classes, ...explained.shape.slice(2)])
  const mrfTable = input('mrf table', [classes, classes])
  const reconstructionWeight = input('reconstruction weight', [channels])

  const { logits: free, blocks } = modelLogits(model, scan, prior, region)
  const mixture = options.mixture && mixtureTarget(scan, prior, options.mixture, region, outliers)
  const expected = mixture?.posterior ?? prior
  const { probabilities, sample, divergence } = posterior(free, expected, randomness, {
    temperature: options.temperature,
  })
  const reconstruction = model.decoder(sample)

  const perScan = 1 / scan.shape[0]!
  const errors = channelErrors(reconstruction, explained, perScan)
  const klLoss = weightedSum([{ term: divergence, factor: perScan }])
  const mrfLoss =
    options.beta === 0
      ? undefined
      : weightedSum([
          { term: mrfEnergy(probabilities, mrfTable, options.neighbourhood), factor: options.beta * perScan },
        ])
  const loss = weightedSum([
    channels === 1
      ? { term: errors, weight: reconstructionWeight }
      : { term: dot(errors, reconstructionWeight) },
    { term: klLoss },
    ...(mrfLoss ? [{ term: mrfLoss }] : []),
  ])
  return {
    scan,
    prior,
    mrfTable,
    reconstructionWeight,
    mixture,
    blocks,
    logits: supportMask(free, prior),
    posterior: probabilities,
    sample,
    reconstruction,
    segmentation: argmax(free, { prior, counts: partCountsOf(model.architecture) }),
    squaredError: errors,
    klLoss,
    mrfLoss,
    loss,
  }
}

/** The squared errors of each channel, summed over voxels and batch, times `factor`, [C]. */
function channelErrors(reconstruction: Value, explained: Value, factor: number): Value {
  if (reconstruction.shape[1] === 1)
    return weightedSum([{ term: squaredError(reconstruction, explained), factor }])
  const squares = square(subtract(reconstruction, explained))
  const kept = [1, reconstruction.shape[1]!, 1, 1, 1]
  const form = { shape: [kept[1]!], layout: 'flat' } as const
  // As `sum` over all axes but the channels, without the rest of `sum`, which a page would have to load.
  return sumAxes('channel_errors', squares, kept, form, factor, (gradOutput) =>
    broadcast(
      'channel_errors backward',
      'multiply',
      { value: gradOutput, shape: kept, layout: 'flat' },
      factor,
      squares,
      true,
    ),
  )
}

/** The share of voxels that no Gaussian explains: for them the prior holds. */
const outliers = 1e-4
