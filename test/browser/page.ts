/** What the page of the tests runs: the core, in the page itself or in a Web Worker. Tests call it by `globalThis.core`. */
import type { DeviceWish } from '../device-wish.js'
import type { CoreResult } from './core.js'
import { runHere } from './run-here.js'

/** What a Web Worker answers. */
export type Answer = { readonly result: CoreResult } | { readonly error: string }

const core = {
  inPage: runHere,

  inWorker: (wish?: DeviceWish): Promise<CoreResult> =>
    new Promise((resolve, reject) => {
      const worker = new Worker('/web-worker.js', { type: 'module' })
      worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        worker.terminate()
        if ('result' in data) resolve(data.result)
        else reject(new Error(data.error))
      }
      worker.onerror = ({ message }) => {
        reject(new Error(message))
      }
      worker.postMessage(wish)
    }),
}

export type Core = typeof core

Object.assign(globalThis, { core })
