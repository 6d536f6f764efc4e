import type { LabelTable } from '../sae/label-table.js'
import type { PretrainingStep } from '../sae/pretrainer.js'
import type { Recording } from './learning.js'
import type { ValidatedStep } from './validation.js'

/** How pretraining is recorded, with Dice by a table if scans are scored. */
export function pretrainingRecording(dice: LabelTable | undefined): Recording<PretrainingStep> {
  return {
    columns: { cross_entropy: (step) => step.crossEntropy },
    shown: ['cross_entropy', 'mean_dice'],
    dice,
  }
}

/** How training is recorded, with Dice by a table if scans are scored, and the score of validation scans if there are any. */
export function trainingRecording(dice: LabelTable | undefined, validates = false): Recording<ValidatedStep> {
  return {
    columns: {
      loss: (step) => step.loss,
      reconstruction: (step) => step.reconstructionLoss,
      kl: (step) => step.klLoss,
      mrf: (step) => step.mrfLoss,
      mse: (step) => step.meanSquaredError,
      weight: (step) => step.weight,
      sigma: (step) => step.sigma,
      ...(validates ? { validation: (step: ValidatedStep) => step.validation } : {}),
    },
    shown: [
      'loss',
      'reconstruction',
      'kl',
      'mrf',
      'mse',
      'sigma',
      ...(validates ? ['validation'] : []),
      'mean_dice',
    ],
    dice,
  }
}
