/** What the page of the tests runs in Firefox, which they cannot call into: it posts what it found. */
import { openDevice } from '../../src/gpu/open-device.js'
import { measureLatency, type Latency } from './latency.js'
import type { CoreResult } from './core.js'
import { runHere } from './run-here.js'

/** What the page posts. */
export type Posted = { readonly core: CoreResult; readonly latency: Latency } | { readonly error: string }

async function run(): Promise<Posted> {
  const core = await runHere()
  const gpu = await openDevice()
  try {
    return { core, latency: await measureLatency(gpu) }
  } finally {
    gpu.dispose()
  }
}

const found = await run().catch((error: unknown): Posted => ({ error: String(error) }))
await fetch('/found', { method: 'POST', body: JSON.stringify(found) })
