import { BufferRegistry } from './buffer-registry.js'
import { DeviceLostError } from './device-lost.js'
import { PipelineCache } from './pipeline-cache.js'
import { promptWait } from './prompt-wait.js'
import type { Trace } from './trace.js'

/** What is known about the adapter behind a device. */
export interface AdapterSummary {
  /** Human-readable name, for example `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string
  /** Lower-case name of the vendor, for example `nvidia`; empty if unknown. */
  readonly vendor: string
  /** Family of the GPU, for example `turing`; empty if unknown. */
  readonly architecture: string
  /** The driver's description of itself, as free text; empty if the browser withholds it. */
  readonly driver: string
  /** True for a driver that computes on the CPU. */
  readonly software: boolean
}

/** Waits for a promise of the GPU. A host may yield the processor meanwhile (see src/node/idle.ts). */
export type Wait = <T>(promise: Promise<T>) => Promise<T>

/** Options of a `Gpu`, besides its device and the summary of its adapter. */
export interface GpuOptions {
  /** Waits for a promise of the device. Default: as the browser needs it (see prompt-wait.ts). */
  readonly wait?: Wait
  /**
   * Whether the device belongs to the calling program: `dispose` then leaves it alive, and its errors reach that
   * program too. Default false.
   */
  readonly borrowed?: boolean
  /** What to show of the engine's work, and where. Default: nothing. */
  readonly trace?: Trace
  /**
   * Opens another device on the same adapter, if its driver compiles a kernel when it first runs, in a thread of the
   * device, and keeps the result for all devices. Warming up then compiles on both.
   */
  readonly openHelper?: (() => Promise<Gpu>) | undefined
}

/**
 * A WebGPU device with what the engine keeps for it: pipelines, live buffers, the first error.
 *
 * WebGPU validation errors do not throw, and a failed dispatch leaves zeros. The engine submits its work under error
 * scopes (`guarded`), so that an error fails only the call that caused it. Errors that no scope catches are thrown by
 * the next `check()`, which every read-back calls.
 */
export class Gpu {
  /** Every kernel compiled for this device. */
  readonly pipelines: PipelineCache
  /** Every live buffer that the engine made on this device, counted. */
  readonly buffers: BufferRegistry
  /** Every wait for the device goes through this function. */
  readonly wait: Wait
  /** Whether the device belongs to the calling program. */
  readonly borrowed: boolean
  /** Where the engine's work is shown. */
  readonly trace: Trace
  /** See `GpuOptions`. */
  readonly openHelper: (() => Promise<Gpu>) | undefined
  private failure: Error | undefined
  private loss: DeviceLostError | undefined
  private disposed = false

  constructor(
    /** The WebGPU device itself. */
    readonly device: GPUDevice,
    /** The adapter behind the device. */
    readonly adapter: AdapterSummary,
    { wait = promptWait(device), borrowed = false, trace = {}, openHelper }: GpuOptions = {},
  ) {
    this.wait = wait
    this.borrowed = borrowed
    this.trace = trace
    this.openHelper = openHelper
    this.pipelines = new PipelineCache(device, trace)
    this.buffers = new BufferRegistry(device)
    device.addEventListener('uncapturederror', this.onError)
    void device.lost.then((info) => {
      if (this.disposed) return
      const message = info.message || 'its driver gives no reason'
      this.loss = new DeviceLostError(`GPU device lost (${info.reason}): ${message}`)
    })
  }

  /** Largest binding of a buffer, in bytes. */
  get bindingLimit(): number {
    return this.device.limits.maxStorageBufferBindingSize
  }

  /** Least number of invocations in a subgroup; 0 if the device has no subgroups. */
  get subgroupSize(): number {
    return this.device.features.has('subgroups') ? (this.device.adapterInfo.subgroupMinSize ?? 0) : 0
  }

  /**
   * @throws DeviceLostError once the device is lost, on every call
   * @throws Error the first error that this device reported and no error scope caught; only once, since it does not
   *   concern later work
   */
  check(): void {
    if (this.loss) throw this.loss
    const { failure } = this
    this.failure = undefined
    if (failure) throw failure
  }

  /**
   * @param what what the device is needed for; starts the message
   * @throws DeviceLostError if the device is lost
   * @throws Error after `dispose`
   */
  requireAlive(what: string): void {
    if (this.disposed) throw new Error(`${what}: the Gpu was disposed of`)
    if (this.loss) throw this.loss
  }

  /**
   * Waits for a promise of the device.
   *
   * @param what what is waited for; starts the message
   * @throws DeviceLostError if it fails because the device is lost
   * @throws Error if it fails because of `dispose`; otherwise the promise's own error
   */
  async settled<T>(what: string, promise: Promise<T>): Promise<T> {
    try {
      return await this.wait(promise)
    } catch (error) {
      // A lost device rejects its promises a moment before it reports the loss.
      const moment = new Promise((resolve) => setTimeout(resolve, 100))
      if (!this.loss && !this.disposed) await Promise.race([this.device.lost, moment])
      if (this.disposed) throw new Error(`${what}: the Gpu was disposed of meanwhile`, { cause: error })
      if (this.loss) throw this.loss
      throw error
    }
  }

  /** Waits until everything submitted so far has run. */
  async finish(): Promise<void> {
    await this.settled('finish', this.device.queue.onSubmittedWorkDone())
    this.check()
  }

  /** Destroys every buffer that the engine made, and the device unless it is borrowed. */
  dispose(): void {
    this.disposed = true
    this.buffers.destroyAll()
    this.pipelines.clear()
    this.device.removeEventListener('uncapturederror', this.onError)
    if (!this.borrowed) this.device.destroy()
  }

  private readonly onError = (event: GPUUncapturedErrorEvent): void => {
    this.failure ??= new Error(`GPU error: ${event.error.message}`)
    // The owner of a borrowed device must still see its errors.
    if (!this.borrowed) event.preventDefault()
  }
}
