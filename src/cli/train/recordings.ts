import type { LabelTable } from '../../sae/labels/label-table.js'
import type { PretrainingStep } from '../../sae/training/pretrainer.js'
import type { ChannelError } from '../../sae/training/trainer.js'
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
export function trainingRecording(
  dice: LabelTable | undefined,
  { validates = false, channels = 1 }: { readonly validates?: boolean; readonly channels?: number } = {},
): Recording<ValidatedStep> {
  return {
    columns: {
      loss: (step) => step.loss,
      reconstruction: (step) => step.reconstructionLoss,
      kl: (step) => step.klLoss,
      mrf: (step) => step.mrfLoss,
      ...errorColumns(channels),
      ...(validates ? { validation: (step: ValidatedStep) => step.validation } : {}),
    },
    shown: [
      'loss',
      'reconstruction',
      'kl',
      'mrf',
      ...columnsOf(channels, 'mse'),
      ...columnsOf(channels, 'sigma'),
      ...(validates ? ['validation'] : []),
      'mean_dice',
    ],
    dice,
  }
}

/** What is recorded of the reconstruction: `mse`, or `mse_1`, `mse_2` and so on of several channels. */
function errorColumns(channels: number): Recording<ValidatedStep>['columns'] {
  const columns = Array.from({ length: channels }, (_, c) => {
    const of = (step: ValidatedStep): ChannelError => (c === 0 ? step : step.otherChannels[c - 1]!)
    return {
      [columnsOf(channels, 'mse')[c]!]: (step: ValidatedStep) => of(step).meanSquaredError,
      [columnsOf(channels, 'weight')[c]!]: (step: ValidatedStep) => of(step).weight,
      [columnsOf(channels, 'sigma')[c]!]: (step: ValidatedStep) => of(step).sigma,
    }
  })
  return Object.assign({}, ...columns) as Recording<ValidatedStep>['columns']
}

function columnsOf(channels: number, name: string): string[] {
  return Array.from({ length: channels }, (_, c) => (channels === 1 ? name : `${name}_${c + 1}`))
}
