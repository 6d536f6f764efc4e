import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Variables } from '../autograd/variables.js'
import type { Intensities } from '../sae/intensity.js'
import type { LabelTable } from '../sae/label-table.js'
import type { Model } from '../sae/model.js'
import type { Trainer, TrainingStep } from '../sae/trainer.js'
import { writeWeights } from './weights-file.js'

/** What is saved of a run. */
export interface Trained {
  readonly trainer: Trainer
  readonly model: Model
  readonly variables: Variables
  readonly table: LabelTable
  /** How its scans were scaled. */
  readonly intensities: Intensities
}

/** Keeps last.safetensors and best.safetensors of a run; best is after the epoch of the lowest mean loss. */
export class Checkpoints {
  readonly last: string
  readonly best: string
  private lowest = Infinity
  /** Losses of the running epoch. */
  private losses: number[] = []

  /** @param metadata of the checkpoint that the run goes on from */
  constructor(
    folder: string,
    private readonly run: Trained,
    private readonly saveEvery: number,
    metadata: Readonly<Record<string, string>> = {},
  ) {
    this.last = join(folder, 'last.safetensors')
    this.best = join(folder, 'best.safetensors')
    if (metadata.selection === undefined || !existsSync(this.best)) return
    const saved = JSON.parse(metadata.selection) as { lowest: number | null; losses: number[] }
    this.lowest = saved.lowest ?? Infinity // JSON has no infinity
    this.losses = saved.losses
  }

  async afterStep({ loss, epoch, lastOfEpoch }: TrainingStep): Promise<void> {
    this.losses.push(loss)
    if (!lastOfEpoch) return
    const mean = this.losses.reduce((a, b) => a + b, 0) / this.losses.length
    this.losses = []
    if (mean < this.lowest) {
      this.lowest = mean
      await this.save(this.best)
    }
    if (epoch % this.saveEvery === 0) await this.save(this.last)
  }

  async saveLast(): Promise<void> {
    await this.save(this.last)
  }

  private async save(path: string): Promise<void> {
    const { trainer, model, variables, table, intensities } = this.run
    const { settings, progress, optimiser } = trainer
    const training = { settings, progress }
    const info = { architecture: model.architecture, table, intensities, training }
    const selection = JSON.stringify({ lowest: this.lowest, losses: this.losses })
    await writeWeights(path, variables, model.parameters, info, optimiser, { selection })
  }
}
