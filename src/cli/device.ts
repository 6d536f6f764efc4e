import type { Gpu } from '../gpu/gpu.js'
import { openGpu } from '../node/index.js'
import type { GlobalOptions } from './options.js'
import type { Terminal } from './terminal.js'

/** Opens the GPU that --adapter or SAE_ADAPTER asks for, says which one it is, and closes it after `body`. */
export async function withGpu<T>(
  { adapter }: GlobalOptions,
  terminal: Terminal,
  body: (gpu: Gpu) => Promise<T>,
): Promise<T> {
  const gpu = await openGpu({ adapter, quiet: true })
  const { name, software } = gpu.adapter
  terminal.note(
    `adapter: ${name}, ${software ? 'a software one: it computes on the processor' : 'a hardware one'}`,
  )
  try {
    return await body(gpu)
  } finally {
    gpu.dispose()
  }
}

/** `Peak device memory: 312 MiB.` */
export function peakMemory(gpu: Gpu): string {
  return `Peak device memory: ${Math.ceil(gpu.buffers.peakBytes / 2 ** 20)} MiB.`
}
