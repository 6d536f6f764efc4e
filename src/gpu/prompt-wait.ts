import type { Wait } from './gpu.js'

/**
 * Waits for a promise of the device as the browser at hand needs it.
 *
 * Firefox looks for finished work whenever something is submitted, and otherwise every 100 ms; so `await` alone would
 * cost a training step up to 100 ms. Submitting nothing makes it look (ekzhang/jax-js#124;
 * `npm run test:browser -- firefox` measures it). Other browsers settle the promise as soon as the work is done.
 */
export function promptWait(device: GPUDevice): Wait {
  return isFirefox() ? (promise) => nudging(device.queue, promise) : (promise) => promise
}

/** `navigator.userAgent`; outside a browser there may be no `navigator`, although the types say otherwise. */
function isFirefox(): boolean {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } }
  return navigator?.userAgent?.includes('Firefox/') ?? false
}

/** Submits nothing until the promise is settled: at once, and then at every timer, of which browsers allow one in 4 ms. */
export async function nudging<T>(queue: Pick<GPUQueue, 'submit'>, promise: Promise<T>): Promise<T> {
  let waiting = true
  const nudge = (): void => {
    if (!waiting) return
    queue.submit([])
    setTimeout(nudge, 0)
  }
  nudge()
  try {
    return await promise
  } finally {
    waiting = false
  }
}
