import { BufferRegistry } from './buffer-registry.js'
import { PipelineCache } from './pipeline-cache.js'

/** What is known of the adapter behind a device. */
export interface AdapterSummary {
  /** Human-readable name, for example `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string
  readonly vendor: string
  readonly architecture: string
  readonly driver: string
  /** True for a driver that computes on the CPU. */
  readonly software: boolean
}

/** Waits for a promise of the GPU. A host may give back the processor meanwhile (see src/node/idle.ts). */
export type Wait = <T>(promise: Promise<T>) => Promise<T>

/**
 * A WebGPU device with what the engine keeps beside it: pipelines, live buffers, the first error.
 *
 * WebGPU validation errors do not throw, and the results of a failed dispatch are zeros; so every read-back
 * calls `check()`, which throws the first error that the device reported.
 */
export class Gpu {
  readonly pipelines: PipelineCache
  readonly buffers: BufferRegistry
  private failure: Error | undefined
  private disposed = false

  constructor(
    readonly device: GPUDevice,
    readonly adapter: AdapterSummary,
    /** Waits for `promise`; the browser's own await by default. */
    readonly wait: Wait = (promise) => promise,
  ) {
    this.pipelines = new PipelineCache(device)
    this.buffers = new BufferRegistry(device)
    device.addEventListener('uncapturederror', (event) => {
      this.failure ??= new Error(`GPU error: ${event.error.message}`)
      event.preventDefault()
    })
    void device.lost.then((info) => {
      if (!this.disposed) this.failure ??= new Error(`GPU device lost (${info.reason}): ${info.message}`)
    })
  }

  /** Largest window of a buffer, in bytes, that one binding may show. */
  get bindingLimit(): number {
    return this.device.limits.maxStorageBufferBindingSize
  }

  /** Invocations of every subgroup, at least; 0 where the device has no subgroups. */
  get subgroupSize(): number {
    return this.device.features.has('subgroups') ? (this.device.adapterInfo.subgroupMinSize ?? 0) : 0
  }

  /** @throws Error the first error that this device reported, if any. */
  check(): void {
    if (this.failure) throw this.failure
  }

  /** Waits until everything submitted so far has run. */
  async finish(): Promise<void> {
    await this.wait(this.device.queue.onSubmittedWorkDone())
    this.check()
  }

  /** Destroys the device and every buffer on it. */
  dispose(): void {
    this.disposed = true
    this.buffers.destroyAll()
    this.device.destroy()
  }
}
