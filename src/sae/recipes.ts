import type { EmSettings } from './em-settings.js'
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
   * How the Gaussian mixtures are fitted whose posteriors the encoder is pretrained on: one Gaussian for each class, but
   * `parts` for the background and the rest, which are no single tissue. The encoder has a channel for each.
   */
  readonly mixture: Partial<Omit<EmSettings, 'components'>> & { readonly parts: number }
  readonly pretraining: Stage<PretrainingSettings>
  readonly training: Stage<TrainingSettings>
}

/** Names of the recipes. */
export type RecipeName = 'default' | 'paper'

/**
 * - `default`: what our studies found to work on few scans and a rough prior; docs/method.md says what each part is
 *   worth.
 * - `paper`: the published procedure to the digit (SAE.md).
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
    mixture: { parts: 2, beta: 0, bias: 0, varianceFloor: 0.03 },
    pretraining: {
      steps: 100,
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
        decoderSteps: 60,
      },
    },
  },
  paper: {
    architecture: defaultArchitecture,
    intensities: 'unit',
    mixture: { parts: 1 },
    pretraining: { settings: defaultPretraining },
    training: { settings: defaultTraining },
  },
}

/** The passes over all scans that take so many steps at least. */
export function epochsOf(steps: number, scans: number, batchSize: number): number {
  return Math.ceil(steps / Math.ceil(scans / batchSize))
}
