import type { DataSet } from './data-set.js'
import type { SavedRun } from './protocol.js'

/** A run with what it takes to go on; its data are saved once. */
export interface StoredRun extends SavedRun {
  /** Of its data. */
  readonly dataId: string
  /** Weights, the optimiser's state, settings: a safetensors file. */
  readonly checkpoint: Uint8Array<ArrayBuffer>
}

const stores = ['data', 'runs'] as const
type Stores = (name: (typeof stores)[number]) => IDBObjectStore

/** Stores runs in IndexedDB, and the data that they learn from. */
export class Storage {
  private database: Promise<IDBDatabase> | undefined

  /** @throws Error if the browser refuses: no space, or a private window */
  async saveData(data: DataSet): Promise<void> {
    await this.change((store) => store('data').put(data))
  }

  /** Saves its data, too, if they are gone: with a run that was deleted, perhaps in another tab. @throws Error as `saveData` */
  async saveRun(run: StoredRun, data: DataSet): Promise<void> {
    await this.change((store) => {
      store('runs').put(run)
      const found = store('data').count(data.id)
      found.onsuccess = () => {
        if (found.result === 0) store('data').put(data)
      }
    })
  }

  async rename(id: string, name: string): Promise<void> {
    const run = await this.run(id)
    if (run) await this.change((store) => store('runs').put({ ...run, name }))
  }

  /** The latest first, without their checkpoints. */
  async runs(): Promise<SavedRun[]> {
    const runs = (await this.read('runs', (store) => store.getAll())) as StoredRun[]
    return runs
      .map(({ id, name, description, state, saved }) => ({ id, name, description, state, saved }))
      .sort((a, b) => b.saved - a.saved)
  }

  async run(id: string): Promise<StoredRun | undefined> {
    return (await this.read('runs', (store) => store.get(id))) as StoredRun | undefined
  }

  async data(id: string): Promise<DataSet | undefined> {
    return (await this.read('data', (store) => store.get(id))) as DataSet | undefined
  }

  /** Deletes a run, and its data if no other run learns from them. */
  async forget(id: string): Promise<void> {
    const runs = (await this.read('runs', (store) => store.getAll())) as StoredRun[]
    const gone = runs.find((run) => run.id === id)
    const shared = runs.some((run) => run.id !== id && run.dataId === gone?.dataId)
    await this.change((store) => {
      store('runs').delete(id)
      if (gone && !shared) store('data').delete(gone.dataId)
    })
  }

  private async read(
    name: (typeof stores)[number],
    ask: (store: IDBObjectStore) => IDBRequest,
  ): Promise<unknown> {
    const request = ask((await this.open()).transaction(name).objectStore(name))
    return new Promise((resolve, reject) => {
      request.onsuccess = () => {
        resolve(request.result as unknown)
      }
      request.onerror = () => {
        reject(failure(request.error))
      }
    })
  }

  private async change(work: (store: Stores) => void): Promise<void> {
    const transaction = (await this.open()).transaction([...stores], 'readwrite')
    work((name) => transaction.objectStore(name))
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => {
        resolve()
      }
      // Exceeding the quota is reported here, not at the requests.
      transaction.onabort = () => {
        reject(failure(transaction.error))
      }
    })
  }

  private open(): Promise<IDBDatabase> {
    this.database ??= new Promise((resolve, reject) => {
      const request = indexedDB.open('sae-webgpu', 2)
      request.onupgradeneeded = () => {
        // The first version kept one run, of weights for another recipe.
        for (const name of Array.from(request.result.objectStoreNames)) request.result.deleteObjectStore(name)
        for (const name of stores) request.result.createObjectStore(name, { keyPath: 'id' })
      }
      request.onsuccess = () => {
        resolve(request.result)
      }
      request.onerror = () => {
        reject(failure(request.error))
      }
    })
    return this.database
  }
}

function failure(error: DOMException | null): Error {
  if (error?.name === 'QuotaExceededError') return new Error('this browser has no space left')
  return new Error(error?.message ?? 'this browser refuses to store data')
}
