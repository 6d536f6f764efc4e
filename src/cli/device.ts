import { formatLimit, formatNeed } from '../plan/memory-need.js'
import type { Gpu } from '../gpu/gpu.js'
import { Shortage } from '../plan/shortage.js'
import { openGpu } from '../node/index.js'
import type { Preparation } from '../sae/plan-by-batch.js'
import type { GlobalOptions } from './options.js'
import type { Terminal } from './terminal.js'

interface GpuOptions extends GlobalOptions {
  /** What saves memory in a command that has no batch to make smaller. */
  readonly saving?: string
}

/**
 * Opens the GPU that --adapter or SAE_ADAPTER asks for, says which one it is, and closes it after `body`.
 *
 * @throws UserError as `body`; a shortage of memory advises `saving`
 */
export async function withGpu<T>(
  { adapter, saving }: GpuOptions,
  terminal: Terminal,
  body: (gpu: Gpu) => Promise<T>,
): Promise<T> {
  const gpu = await openGpu({ adapter, quiet: true, tiles: 'tuned' })
  const { name, software } = gpu.adapter
  const tiles = gpu.tiles ? ', tuned tiles' : ''
  terminal.note(`adapter: ${name} (${software ? 'software, runs on the CPU' : 'hardware'})${tiles}`)
  try {
    return await body(gpu)
  } catch (error) {
    if (saving === undefined || !(error instanceof Shortage)) throw error
    throw error.advising(saving)
  } finally {
    gpu.dispose()
  }
}

/** `memory: 1455 MB on the device, in 10 slabs of 16 planes (limit 1500 MB); compiled in 2.3 s` */
export function describePreparation(
  { bytes, slabs, slabPlanes, seconds }: Preparation,
  limit: number | undefined,
): string {
  const parts = slabPlanes === undefined ? '' : `, in ${slabs} slabs of ${slabPlanes} planes`
  const bound = limit === undefined ? '' : ` (limit ${formatLimit(limit)})`
  return `memory: ${formatNeed(bytes)} on the device${parts}${bound}; compiled in ${seconds.toFixed(1)} s`
}

/** `Peak device memory: 312 MB.` */
export function peakMemory(gpu: Gpu): string {
  return `Peak device memory: ${formatNeed(gpu.buffers.peakBytes)}.`
}
