import { stepsOfEpoch } from './training/batches.js'
import type { EmOptions, EmSettings } from './mixture/em-settings.js'
import type { Intensities } from './intensity.js'
import { defaultArchitecture, type Architecture } from './model.js'
import {
  defaultPretraining,
  defaultTraining,
  type PretrainingSettings,
  type TrainingSettings,
} from './settings.js'

/** One stage of a recipe. */
export interface Stage<Settings> {
  /** Learning rate, batch size and so on. */
  readonly settings: Settings
  /** Length in steps, whatever the number of scans; undefined if `settings.epochs` counts. */
  readonly steps?: number
}

/** A whole procedure: the network, and how it is pretrained and trained. */
export interface Recipe {
  /** The network for a number of classes. */
  readonly architecture: (classes: number) => Architecture
  /** How the intensities of scans are scaled. */
  readonly intensities: Intensities
  /**
   * How to fit the Gaussian mixtures that the encoder learns from: `components` Gaussians for each class. The
   * background and the rest, which are not one tissue, are divided into `parts`, of one Gaussian each, and the encoder
   * has a channel for each part.
   */
  readonly mixture: MixtureSettings
  /** First stage: the encoder learns to predict the prior, or the mixture. */
  readonly pretraining: Stage<PretrainingSettings>
  /** Second stage: encoder and decoder learn together. */
  readonly training: Stage<TrainingSettings>
}

/** Settings of EM, for a mixture of the channels of a network. */
export interface MixtureSettings extends Partial<Omit<EmSettings, 'components'>> {
  /** Gaussians of a class that is one channel. */
  readonly components: number
  /** Channels of the background and of the rest, with one Gaussian each. */
  readonly parts: number
}

/** Names of the recipes. */
export type RecipeName = 'default' | 'paper'

/**
 * - `default`: works with few scans and a rough prior, according to our studies; docs/method.md says what each part is
 *   worth.
 * - `paper`: exactly the published procedure (docs/equations.md).
 */
export const recipes: Readonly<Record<RecipeName, Recipe>> = {
  default: {
    // Twice the paper's width at the two finest levels: with 4 channels, the start depends on the seed by .04 of Dice.
    architecture: (classes) => ({
      classes,
      widths: [8, 16, 32, 32, 32],
      instanceNorm: true,
      priorLogits: true,
    }),
    intensities: 'robust',
    mixture: { components: 2, parts: 2, beta: 0 },
    pretraining: {
      steps: 200,
      settings: { ...defaultPretraining, learningRate: 0.01, warmUp: 10, decay: 0.5, target: 'mixture' },
    },
    training: {
      steps: 150,
      settings: {
        ...defaultTraining,
        warmUp: 10,
        decay: 0.5,
        beta: 0.25,
        neighbours: 'mean',
        potential: 'pointwise',
        sigma: 'continuous',
        divergence: 'mixture',
        errorFactor: 0.5,
        decoderSteps: 60,
      },
    },
  },
  paper: {
    architecture: defaultArchitecture,
    intensities: 'unit',
    mixture: { components: 1, parts: 1 },
    pretraining: { settings: defaultPretraining },
    training: { settings: defaultTraining },
  },
}

/**
 * The settings of EM for a network.
 *
 * @param counts channels of each class, [K]
 */
export function emOf({ components, ...em }: MixtureSettings, counts: readonly number[]): EmOptions {
  return { ...em, components: counts.map((count) => (count === 1 ? components : count)) }
}

/** The passes over all scans that make at least this many steps. */
export function epochsOf(steps: number, scans: number, batchSize: number): number {
  return Math.ceil(steps / stepsOfEpoch(scans, batchSize))
}
