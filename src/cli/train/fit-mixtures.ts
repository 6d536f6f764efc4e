import type { Gpu } from '../../gpu/gpu.js'
import type { TrainingScan } from '../../sae/training/batches.js'
import { diceScores, meanDice } from '../../sae/metrics/dice.js'
import type { EmOptions } from '../../sae/mixture/em-settings.js'
import { fitMixtures as fitMixturesOf } from '../../sae/mixture/fit-mixtures.js'
import type { FittedMixture } from '../../sae/mixture/gaussian-mixture.js'
import { foregroundClasses, type LabelTable } from '../../sae/labels/label-table.js'
import { channelsOf } from '../../sae/model.js'
import { partCountsOf, withMixtures } from '../../sae/prior/parts.js'
import type { Prior } from '../../sae/prior/prior.js'
import { emOf, recipes } from '../../sae/recipes.js'
import type { Terminal } from '../terminal.js'
import type { Start } from './training-start.js'

/**
 * Fits a Gaussian mixture to each scan, as the target of pretraining, and reports how each fit went.
 *
 * @returns one mixture per scan, with components for every class
 */
export async function fitMixtures(
  gpu: Gpu,
  scans: readonly TrainingScan[],
  prior: Prior,
  table: LabelTable,
  options: EmOptions,
  terminal: Terminal,
): Promise<FittedMixture[]> {
  return fitMixturesOf(gpu, scans, prior, options, ({ scan, truth, result, seconds }) => {
    const { classes, logLikelihoods } = result
    const score = truth
      ? `, Dice ${meanDice(diceScores(classes, truth, prior.classes), foregroundClasses(table)).toFixed(3)}`
      : ''
    terminal.status(
      `Gaussian mixture of ${scan.name}: ${logLikelihoods.length} iterations${score} (${seconds.toFixed(1)} s)`,
    )
    return true
  })
}

/** As `fitMixtures`, if training takes the divergence from mixtures; else the scans as they are. */
export async function fitMixturesFor(
  gpu: Gpu,
  { model: { architecture }, settings }: Start,
  scans: readonly TrainingScan[],
  prior: Prior,
  table: LabelTable,
  memoryLimit: number | undefined,
  terminal: Terminal,
): Promise<readonly TrainingScan[]> {
  if (settings.divergence !== 'mixture') return scans
  const channels = channelsOf(architecture)
  const em = { ...emOf(recipes.default.mixture, partCountsOf(architecture)), memoryLimit, channels }
  const mixtures = await fitMixtures(gpu, scans, prior, table, em, terminal)
  return withMixtures(scans, mixtures, architecture.parts)
}
