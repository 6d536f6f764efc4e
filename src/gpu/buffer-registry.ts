import { wholeVectors } from './alignment.js'

/**
 * Every buffer that the engine creates, by label and size.
 *
 * GPU memory is invisible to the JavaScript garbage collector, so buffers are destroyed explicitly and counted:
 * tests compare `count` before and after, and benchmarks report `peakBytes`.
 */
export class BufferRegistry {
  private readonly live = new Set<GPUBuffer>()
  /** Bytes in live buffers. */
  bytes = 0
  /** Most bytes ever live since creation or `resetPeak()`. */
  peakBytes = 0

  constructor(private readonly device: GPUDevice) {}

  /** Number of live buffers. */
  get count(): number {
    return this.live.size
  }

  /** Creates a buffer of at least `size` bytes, rounded up to a whole vec4. Its contents are zero. */
  create(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const buffer = this.device.createBuffer({ label, size: wholeVectors(size), usage })
    this.live.add(buffer)
    this.bytes += buffer.size
    this.peakBytes = Math.max(this.peakBytes, this.bytes)
    return buffer
  }

  /** Destroys a live buffer; does nothing if it is already destroyed or not one of ours. */
  destroy(buffer: GPUBuffer): void {
    if (!this.live.delete(buffer)) return
    this.bytes -= buffer.size
    buffer.destroy()
  }

  /** Destroys every live buffer. */
  destroyAll(): void {
    for (const buffer of this.live) this.destroy(buffer)
  }

  /** Restarts `peakBytes` from the bytes that are live now. */
  resetPeak(): void {
    this.peakBytes = this.bytes
  }
}
