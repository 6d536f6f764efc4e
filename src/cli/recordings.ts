import type { LabelTable } from '../sae/label-table.js'
import type { PretrainingStep } from '../sae/pretrainer.js'
import type { TrainingStep } from '../sae/trainer.js'
import type { Recording } from './learning.js'

/** How pretraining is recorded, with Dice by a table if scans are scored. */
export function pretrainingRecording(dice: LabelTable | undefined): Recording<PretrainingStep> {
  return {
    columns: { cross_entropy: (step) => step.crossEntropy },
    shown: ['cross_entropy', 'mean_dice'],
    dice,
  }
}

/** How training is recorded, with Dice by a table if scans are scored. */
export function trainingRecording(dice: LabelTable | undefined): Recording<TrainingStep> {
  return {
    columns: {
      loss: (step) => step.loss,
      reconstruction: (step) => step.reconstructionLoss,
      kl: (step) => step.klLoss,
      mrf: (step) => step.mrfLoss,
      mse: (step) => step.meanSquaredError,
      weight: (step) => step.weight,
      sigma: (step) => step.sigma,
    },
    shown: ['loss', 'reconstruction', 'kl', 'mrf', 'mse', 'sigma', 'mean_dice'],
    dice,
  }
}
