import type { Precision } from '../plan/storage.js'
import { UserError } from '../errors.js'
import { requireNeighbourhood } from '../ops/shared/neighbourhood.js'
import type { NoiseMode } from './training/noise-level.js'
import type { MrfPotential } from './prior/mrf-table.js'

/** Settings that pretraining and training share. */
export interface OptimiserSettings {
  /** Passes over all scans, at least 1. A resumed run includes those it has already done. */
  readonly epochs: number
  /** Scans per step, at least 1; the last step of an epoch may have fewer. */
  readonly batchSize: number
  /** Adam's step size, positive. */
  readonly learningRate: number
  /** L2 penalty on the weights, as in torch.optim.Adam; 0 for none. */
  readonly weightDecay: number
  /** Largest global norm of the gradients; undefined for no clipping. */
  readonly maxNorm?: number | undefined
  /** Of the order of scans and of the noise: a whole number from 0 to 2^32 - 1. */
  readonly seed: number
  /** Steps over which the learning rate rises to its full value. Default 0. */
  readonly warmUp?: number
  /** Share of the steps, at the end of the run, over which the learning rate falls along a cosine to 0. Default 0. */
  readonly decay?: number
  /** How intermediate volumes are stored; f16 takes less memory and gives losses to about three digits. Default f32. */
  readonly precision?: Precision
}

/** Settings of pretraining. */
export interface PretrainingSettings extends OptimiserSettings {
  /**
   * What the encoder learns to predict from a scan: the prior itself (the paper), or the posterior of a Gaussian mixture
   * that was fitted to that scan under the prior (`TrainingScan.fit`). Default `prior`.
   */
  readonly target?: 'prior' | 'mixture'
}

/** Settings of SAE training; `defaultTraining` has the paper's. */
export interface TrainingSettings extends OptimiserSettings {
  /** Weight of the MRF prior; 0 for the spatially independent prior. */
  readonly beta: number
  /**
   * What `beta` weighs: the `sum` over a voxel's neighbours (the paper; k changes its meaning), or their `mean`.
   * Default `sum`.
   */
  readonly neighbours?: 'sum' | 'mean'
  /** The potentials of the MRF: log M as published, or pointwise (`pointwiseMrfTable`). Default `conditional`. */
  readonly potential?: MrfPotential
  /** Edge length k of the MRF's neighbourhood. */
  readonly neighbourhood: number
  /** tau of the Gumbel-softmax. */
  readonly temperature: number
  /** Where the weight of the squared error comes from (see `NoiseLevel`). */
  readonly sigma: NoiseMode
  /** Weight of the squared error if sigma is `fixed`; without effect otherwise. */
  readonly alpha: number
  /**
   * What the posterior's divergence is taken from: the `prior` (the paper), or the posterior of the Gaussian mixture that
   * was fitted to the scan under the prior (`TrainingScan.fit`). Default `prior`.
   */
  readonly divergence?: 'prior' | 'mixture'
  /**
   * Factor of the squared error if its weight is estimated: the decoder's share of the evidence, if a mixture explains
   * the scan too. Default 1.
   */
  readonly errorFactor?: number
  /** Steps that fit a new decoder to the encoder's answers before both are trained together. Default 0. */
  readonly decoderSteps?: number
}

/** 50 epochs with one scan per step and a learning rate of 0.001. */
export const defaultPretraining: PretrainingSettings = {
  epochs: 50,
  batchSize: 1,
  learningRate: 1e-3,
  weightDecay: 0,
  seed: 0,
  precision: 'f32',
}

/** The paper's settings: 500 epochs, the MRF prior with beta 0.01 and k 3, sigma estimated. */
export const defaultTraining: TrainingSettings = {
  ...defaultPretraining,
  epochs: 500,
  beta: 0.01,
  neighbourhood: 3,
  temperature: 2 / 3,
  sigma: 'estimated',
  alpha: 1,
}

/** @throws UserError naming the first setting that is out of range */
export function checkOptimiserSettings(settings: OptimiserSettings): void {
  requireWhole('epochs', settings.epochs, 1)
  requireWhole('batch size', settings.batchSize, 1)
  requireWhole('seed', settings.seed, 0)
  requirePositive('learning rate', settings.learningRate)
  requireWhole('warm-up', settings.warmUp ?? 0, 0)
  const { decay = 0 } = settings
  if (!(decay >= 0 && decay <= 1)) throw new UserError(`the decay must be a share from 0 to 1, not ${decay}`)
  requireNotNegative('weight decay', settings.weightDecay)
  requirePositive('clipping norm', settings.maxNorm ?? 1)
}

/** @throws UserError naming the first setting that is out of range */
export function checkTrainingSettings(settings: TrainingSettings): void {
  checkOptimiserSettings(settings)
  requireNotNegative('beta', settings.beta)
  requirePositive('tau', settings.temperature)
  requireNotNegative('alpha', settings.alpha)
  requireNeighbourhood(settings.neighbourhood)
  requireWhole('decoder steps', settings.decoderSteps ?? 0, 0)
  requirePositive('factor of the squared error', settings.errorFactor ?? 1)
}

/**
 * The weight of the MRF's energy as the objective takes it, that of the sum over neighbours: a mean over the
 * k*k*k - 1 neighbours is that sum divided by their number.
 */
export function summedBeta({
  beta,
  neighbours = 'sum',
  neighbourhood,
}: Pick<TrainingSettings, 'beta' | 'neighbours' | 'neighbourhood'>): number {
  return neighbours === 'sum' ? beta : beta / (neighbourhood ** 3 - 1)
}

/** @throws UserError unless the value is a whole number from `least` on */
export function requireWhole(name: string, value: number, least: number): void {
  if (!(Number.isInteger(value) && value >= least && value <= 0xffffffff))
    throw new UserError(`${name} must be a whole number of at least ${least}, not ${value}`)
}

/** @throws UserError unless the value is finite and positive */
export function requirePositive(name: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new UserError(`${name} must be a positive number, not ${value}`)
}

/** @throws UserError unless the value is finite and not negative */
export function requireNotNegative(name: string, value: number): void {
  if (!(value >= 0 && value < Infinity))
    throw new UserError(`${name} must be a number of at least 0, not ${value}`)
}
