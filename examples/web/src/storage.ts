import type { DataSet } from './data-set.js'
import type { SavedRun } from './protocol.js'

/** The part of a run that is saved after every epoch; its data are saved once. */
interface StoredRun extends SavedRun {
  /** Weights, the optimiser's state, settings: a safetensors file. */
  readonly checkpoint: Uint8Array
}

const stores = ['data', 'run'] as const

/** Stores one run in IndexedDB; a new run replaces it. */
export class Storage {
  private database: Promise<IDBDatabase> | undefined

  /** @throws Error if the browser refuses: no space, or a private window */
  async saveData(data: DataSet): Promise<void> {
    await this.change((store) => {
      store('run').delete('latest')
      store('data').put(data, 'latest')
    })
  }

  /** @throws Error as `saveData` */
  async saveRun(run: StoredRun): Promise<void> {
    await this.change((store) => store('run').put(run, 'latest'))
  }

  async run(): Promise<StoredRun | undefined> {
    return (await this.read('run')) as StoredRun | undefined
  }

  async data(): Promise<DataSet | undefined> {
    return (await this.read('data')) as DataSet | undefined
  }

  async forget(): Promise<void> {
    await this.change((store) => {
      for (const name of stores) store(name).clear()
    })
  }

  private async read(name: (typeof stores)[number]): Promise<unknown> {
    const request = (await this.open()).transaction(name).objectStore(name).get('latest')
    return new Promise((resolve, reject) => {
      request.onsuccess = () => {
        resolve(request.result)
      }
      request.onerror = () => {
        reject(failure(request.error))
      }
    })
  }

  private async change(
    work: (store: (name: (typeof stores)[number]) => IDBObjectStore) => void,
  ): Promise<void> {
    const transaction = (await this.open()).transaction(stores, 'readwrite')
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
      const request = indexedDB.open('sae-webgpu', 1)
      request.onupgradeneeded = () => {
        for (const name of stores) request.result.createObjectStore(name)
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
