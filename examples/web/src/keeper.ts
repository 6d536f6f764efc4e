import { UserError, type CheckpointInfo, type NamedTensor } from 'sae-webgpu'
import { decodeCheckpoint } from './checkpoint-file.js'
import type { DataSet } from './data-set.js'
import type { EngineEvent, SavedRun } from './protocol.js'
import type { Run } from './run.js'
import type { Storage, StoredRun } from './storage.js'

/** A run that was saved, with all that it takes to go on. */
interface Reopened {
  readonly stored: StoredRun
  readonly data: DataSet
  readonly tensors: ReadonlyMap<string, NamedTensor>
  readonly info: CheckpointInfo
}

/** Reads a run that was saved. @throws UserError if it is gone */
export async function reopen(storage: Storage, id: string): Promise<Reopened> {
  const stored = await storage.run(id)
  const data = stored && (await storage.data(stored.dataId))
  if (!stored || !data) throw new UserError('the saved run no longer exists')
  return { stored, data, ...decodeCheckpoint(stored.checkpoint, 'kept.safetensors') }
}

/** Saves a run for a later visit. If the browser refuses, the run continues. */
export class Keeper {
  private keeping = true
  private readonly id: string
  private name: string

  /** @param saved the run that goes on; undefined for a new one */
  constructor(
    private readonly storage: Storage,
    private readonly data: DataSet,
    private readonly emit: (event: EngineEvent) => void,
    saved?: SavedRun,
  ) {
    this.id = saved?.id ?? crypto.randomUUID()
    this.name = saved?.name ?? data.description
  }

  async keepData(): Promise<void> {
    await this.attempt(() => this.storage.saveData(this.data))
  }

  async keep(run: Run): Promise<void> {
    if (!this.keeping) return
    const state = run.current
    const checkpoint = await run.checkpoint()
    const { id, name, data } = this
    const { description } = data
    const stored = { id, name, description, state, saved: Date.now(), checkpoint, dataId: data.id }
    if (await this.attempt(() => this.storage.saveRun(stored, data))) this.emit({ type: 'saved' })
  }

  /** Where the visitor finds the run, as a sentence. */
  async place(): Promise<string> {
    const run = await this.storage.run(this.id).catch(() => undefined)
    if (run) return `Their run is under "Saved runs", as ${run.name}.`
    return 'Their run is not saved in this browser.'
  }

  rename(id: string, name: string): void {
    if (id === this.id) this.name = name
  }

  /** Returns whether it is saved. */
  private async attempt(save: () => Promise<void>): Promise<boolean> {
    try {
      await save()
      return true
    } catch (error) {
      this.keeping = false
      this.emit({ type: 'notSaved', reason: error instanceof Error ? error.message : String(error) })
      return false
    }
  }
}
