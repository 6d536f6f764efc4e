import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Variables } from '../plan/variables.js'
import type { Intensities } from '../sae/intensity.js'
import type { LabelTable } from '../sae/label-table.js'
import type { Model } from '../sae/model.js'
import { Plateau, type PlateauState } from '../sae/plateau.js'
import { profiledLoss, type EpochTerms } from '../sae/selection.js'
import type { Trainer, TrainingStep } from '../sae/trainer.js'
import { writeWeights } from './weights-file.js'

/** What is saved of a run. */
interface Trained {
  /** N of a scan. */
  readonly voxels: number
  readonly trainer: Trainer
  readonly model: Model
  readonly variables: Variables
  readonly table: LabelTable
  /** How its scans were scaled. */
  readonly intensities: Intensities
}

/** The criterion averages over an epoch, or over so many steps if an epoch is shorter: single steps are noisy. */
const leastSteps = 10

/**
 * Keeps last.safetensors and best.safetensors of a run. Best is after the epoch up to which the steps had the lowest
 * `profiledLoss`, which can be compared across epochs.
 */
export class Checkpoints {
  readonly last: string
  readonly best: string
  private lowest = Infinity
  /** Terms of the latest steps, as many as the criterion averages over. */
  private recent: EpochTerms[] = []
  private readonly window: number
  private readonly plateau: Plateau | undefined

  /**
   * @param patience windows without progress after which the run is done; undefined to run to the last epoch
   * @param metadata of the checkpoint that the run goes on from
   */
  constructor(
    folder: string,
    private readonly run: Trained,
    stepsPerEpoch: number,
    private readonly saveEvery: number,
    patience: number | undefined,
    metadata: Readonly<Record<string, string>> = {},
  ) {
    this.last = join(folder, 'last.safetensors')
    this.best = join(folder, 'best.safetensors')
    this.window = Math.max(stepsPerEpoch, leastSteps)
    const saved = parseSelection(metadata.selection)
    if (patience !== undefined) this.plateau = new Plateau({ window: this.window, patience }, saved?.plateau)
    if (!saved) return
    this.recent = saved.recent
    // Without the file, whatever comes next is the best there is. JSON has no infinity.
    if (existsSync(this.best)) this.lowest = saved.lowest ?? Infinity
  }

  /** @returns whether the run has stopped making progress */
  async afterStep(step: TrainingStep): Promise<boolean> {
    this.recent = [...this.recent, step].slice(-this.window).map(({ meanSquaredError, klLoss, mrfLoss }) => ({
      meanSquaredError,
      klLoss,
      mrfLoss,
    }))
    const { voxels, trainer } = this.run
    const { errorFactor } = trainer.settings
    this.plateau?.observe(profiledLoss(step, voxels, errorFactor))
    if (!step.lastOfEpoch) return false
    if (this.recent.length === this.window) {
      const value = profiledLoss(meanOf(this.recent), voxels, errorFactor)
      if (value < this.lowest) {
        this.lowest = value
        await this.save(this.best)
      }
    }
    if (step.epoch % this.saveEvery === 0) await this.save(this.last)
    return this.plateau?.reached ?? false
  }

  /** Saves the last weights, and as the best ones too if the run was too short to choose. */
  async saveLast(): Promise<void> {
    await this.save(this.last)
    if (this.lowest === Infinity) await this.save(this.best)
  }

  /** What a checkpoint of now says of how the best weights are chosen, for a run that goes on from it. */
  get metadata(): Readonly<Record<string, string>> {
    const selection: Selection = {
      lowest: this.lowest === Infinity ? null : this.lowest,
      recent: this.recent,
      ...(this.plateau ? { plateau: this.plateau.state } : {}),
    }
    return { selection: JSON.stringify(selection) }
  }

  /** @throws DivergedError if weights are not finite; the file of before stays then */
  private async save(path: string): Promise<void> {
    const { trainer, model, variables, table, intensities } = this.run
    const { settings, progress, optimiser } = trainer
    const training = { settings, progress }
    const info = { architecture: model.architecture, table, intensities, training }
    await writeWeights(path, variables, model.parameters, info, optimiser, this.metadata)
  }
}

/** What a checkpoint keeps of how the best weights are chosen. */
interface Selection {
  readonly lowest: number | null
  readonly recent: EpochTerms[]
  readonly plateau?: PlateauState
}

/** Undefined if there is none, or one of before there was this criterion. */
function parseSelection(text: string | undefined): Selection | undefined {
  if (text === undefined) return undefined
  const selection = JSON.parse(text) as Partial<Selection>
  return selection.recent ? (selection as Selection) : undefined
}

function meanOf(terms: readonly EpochTerms[]): EpochTerms {
  const mean = (value: (term: EpochTerms) => number): number =>
    terms.reduce((sum, term) => sum + value(term), 0) / terms.length
  return {
    meanSquaredError: mean((term) => term.meanSquaredError),
    klLoss: mean((term) => term.klLoss),
    mrfLoss: mean((term) => term.mrfLoss),
  }
}
