import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Variables } from '../../plan/variables.js'
import type { Intensities } from '../../sae/intensity.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import type { Model } from '../../sae/model.js'
import { Plateau, type PlateauState } from '../../sae/training/plateau.js'
import { profiledLoss, type EpochTerms } from '../../sae/training/selection.js'
import type { Trainer } from '../../sae/training/trainer.js'
import type { RunExamples } from '../examples/run-examples.js'
import type { CsvLog } from '../tables/csv-log.js'
import type { ValidatedStep } from './validation.js'
import { readWeights, writeWeights } from '../inputs/weights-file.js'

/** The parts of a run that are saved. */
interface Trained {
  /** N of a scan. */
  readonly voxels: number
  readonly trainer: Trainer
  readonly model: Model
  readonly variables: Variables
  readonly table: LabelTable
  /** How its scans were scaled. */
  readonly intensities: Intensities
  /** What it learns from, as metadata of its checkpoints. */
  readonly learntFrom: Readonly<Record<string, string>>
  /** Its rows are on the disk before the weights that they led to. */
  readonly log: CsvLog
  /** Likewise, those of the last weights. */
  readonly examples: RunExamples
}

/** The criterion averages over an epoch, or over this many steps if an epoch is shorter: single steps are noisy. */
export const leastSteps = 10

/** How the best weights are chosen, and when a run stops early. */
export interface SelectionOptions {
  /** Windows without progress after which the run stops. Default: never, it runs to the last epoch. */
  readonly patience?: number | undefined
  /** Whether steps carry the score of validation scans, which then counts instead of the terms of the steps. */
  readonly validates: boolean
}

/**
 * Writes last.safetensors and best.safetensors of a run. The best weights are those at the end of the epoch whose latest
 * steps had the lowest `profiledLoss`, which can be compared across epochs, or those with the lowest score on validation
 * scans.
 */
export class Checkpoints {
  readonly last: string
  readonly best: string
  private lowest = Infinity
  /** Terms of the latest steps: those that the criterion averages over. */
  private recent: EpochTerms[] = []
  private readonly window: number
  private readonly plateau: Plateau | undefined
  private readonly validates: boolean

  private constructor(
    folder: string,
    private readonly run: Trained,
    stepsPerEpoch: number,
    private readonly saveEvery: number,
    { patience, validates }: SelectionOptions,
    saved: Selection | undefined,
  ) {
    this.last = join(folder, 'last.safetensors')
    this.best = join(folder, 'best.safetensors')
    this.window = Math.max(stepsPerEpoch, leastSteps)
    this.validates = validates
    this.recent = saved?.recent ?? []
    // A score of validation scans is an average already.
    const window = validates ? 1 : this.window
    if (patience !== undefined) this.plateau = new Plateau({ window, patience }, saved?.plateau)
  }

  /**
   * @param metadata of the checkpoint that the run continues from
   * @throws UserError if the folder holds the best weights so far and they are damaged
   */
  static async open(
    folder: string,
    run: Trained,
    stepsPerEpoch: number,
    saveEvery: number,
    selection: SelectionOptions,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<Checkpoints> {
    const saved = parseSelection(metadata.selection)
    const checkpoints = new Checkpoints(folder, run, stepsPerEpoch, saveEvery, selection, saved)
    if (!saved || !existsSync(checkpoints.best)) return checkpoints
    // If the run was killed between the two, the best weights are newer than the checkpoint.
    const best = parseSelection((await readWeights(checkpoints.best)).metadata.selection)
    const known = [saved.lowest, best?.lowest ?? null].filter((value) => value !== null)
    checkpoints.lowest = Math.min(Infinity, ...known) // JSON has no infinity
    return checkpoints
  }

  /** @returns whether the run has stopped making progress */
  async afterStep(step: ValidatedStep): Promise<boolean> {
    const value = this.validates ? this.noteScore(step) : this.noteTerms(step)
    if (!step.lastOfEpoch) return false
    if (value !== undefined && value < this.lowest) {
      this.lowest = value
      await this.save(this.best)
    }
    if (step.epoch % this.saveEvery === 0) await this.save(this.last)
    return this.plateau?.reached ?? false
  }

  /** @returns the score of the validation scans, if they were tried */
  private noteScore({ validation }: ValidatedStep): number | undefined {
    if (validation !== undefined) this.plateau?.observe(validation)
    return validation
  }

  /** @returns the criterion over the latest steps; undefined before there are enough */
  private noteTerms(step: ValidatedStep): number | undefined {
    this.recent = [...this.recent, step].slice(-this.window).map(termsOf)
    const { voxels, trainer } = this.run
    const { errorFactor } = trainer.settings
    this.plateau?.observe(profiledLoss(step, voxels, errorFactor))
    return this.recent.length === this.window
      ? profiledLoss(meanOf(this.recent), voxels, errorFactor)
      : undefined
  }

  /** Saves the last weights, and saves them as the best ones too if the run was too short to choose. */
  async saveLast(): Promise<void> {
    await this.save(this.last)
    if (this.lowest === Infinity) await this.save(this.best)
  }

  /** What a checkpoint taken now says of how the best weights are chosen, for a run that continues from it. */
  get metadata(): Readonly<Record<string, string>> {
    const selection: Selection = {
      lowest: this.lowest === Infinity ? null : this.lowest,
      recent: this.recent,
      ...(this.plateau ? { plateau: this.plateau.state } : {}),
    }
    return { selection: JSON.stringify(selection), ...this.run.learntFrom }
  }

  /** @throws DivergedError if weights are not finite; the file keeps its old content then */
  private async save(path: string): Promise<void> {
    const { trainer, model, variables, table, intensities, log, examples } = this.run
    log.sync()
    if (path === this.last) await examples.save()
    const { settings, progress, optimiser } = trainer
    const training = { settings, progress }
    const info = { architecture: model.architecture, table, intensities, training }
    await writeWeights(path, variables, model.parameters, info, optimiser, this.metadata)
  }
}

/** The state of the choice of the best weights, as a checkpoint stores it. */
interface Selection {
  readonly lowest: number | null
  readonly recent: EpochTerms[]
  readonly plateau?: PlateauState
}

/** Undefined if there is none, if it is from before this criterion existed, or if it is broken. */
function parseSelection(text = '{}'): Selection | undefined {
  const selection = parseObject(text) as Partial<Record<keyof Selection, unknown>>
  const { lowest, recent, plateau } = selection
  const isTerms = (terms: unknown): boolean => {
    const { meanSquaredError, klLoss, mrfLoss, otherChannels = [] } = (terms ?? {}) as Partial<EpochTerms>
    if (!Array.isArray(otherChannels)) return false
    const others = otherChannels.map((channel: Partial<EpochTerms> | null) => channel?.meanSquaredError)
    return [meanSquaredError, klLoss, mrfLoss, ...others].every((term) => Number.isFinite(term))
  }
  const sound =
    (lowest === null || Number.isFinite(lowest)) &&
    Array.isArray(recent) &&
    recent.every(isTerms) &&
    (plateau === undefined || (typeof plateau === 'object' && plateau !== null))
  return sound ? (selection as unknown as Selection) : undefined
}

function parseObject(text: string): object {
  try {
    return Object(JSON.parse(text)) as object
  } catch {
    return {}
  }
}

function termsOf({ meanSquaredError, klLoss, mrfLoss, otherChannels = [] }: EpochTerms): EpochTerms {
  const others = otherChannels.map(({ meanSquaredError }) => ({ meanSquaredError }))
  return { meanSquaredError, klLoss, mrfLoss, ...(others.length > 0 ? { otherChannels: others } : {}) }
}

function meanOf(terms: readonly EpochTerms[]): EpochTerms {
  const mean = (value: (term: EpochTerms) => number): number =>
    terms.reduce((sum, term) => sum + value(term), 0) / terms.length
  const { otherChannels = [] } = terms[0]!
  return {
    meanSquaredError: mean((term) => term.meanSquaredError),
    otherChannels: otherChannels.map((_, c) => ({
      meanSquaredError: mean((term) => term.otherChannels![c]!.meanSquaredError),
    })),
    klLoss: mean((term) => term.klLoss),
    mrfLoss: mean((term) => term.mrfLoss),
  }
}
