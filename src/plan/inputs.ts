import type { Gpu } from '../gpu/gpu.js'
import { guarded } from '../gpu/guarded.js'
import { toMemoryOrder } from '../graph/layout.js'
import type { Value } from '../graph/value.js'
import { requireUsage, type BoundBuffers } from './caller-buffers.js'
import type { Variables } from './variables.js'

/** The inputs of a plan: which ones the program has written, and which ones the plan writes itself. */
export class Inputs {
  /** All inputs that the plan reads, with their buffers. */
  private readonly buffers: ReadonlyMap<Value, GPUBuffer>
  /** Those that the program has written, or writes through a buffer. */
  private readonly given: Set<Value>
  /** Validation of writes to caller-owned buffers, which may have been destroyed. */
  private pending: Promise<void>[] = []

  constructor(
    private readonly gpu: Gpu,
    buffers: ReadonlyMap<Value, GPUBuffer>,
    private readonly bound: BoundBuffers,
    private readonly variables: Variables,
  ) {
    this.buffers = new Map([...buffers].filter(([{ role }]) => role === 'input'))
    this.given = new Set([...bound.keys()].filter((value) => this.buffers.has(value)))
  }

  /** In the order in which the plan came across them. */
  get all(): Value[] {
    return [...this.buffers.keys()]
  }

  has(value: Value): boolean {
    return this.buffers.has(value)
  }

  /** Sets contents, which stay until they are written again. */
  write(value: Value, data: Float32Array | Uint32Array): void {
    if (!this.buffers.has(value)) throw new Error(`${value.name} is not an input of this plan`)
    this.put(value, data)
    this.given.add(value)
  }

  /** Marks an input as written, because the program got its buffer and writes there itself. */
  handOver(value: Value): void {
    if (this.buffers.has(value)) this.given.add(value)
  }

  /**
   * Before a run: writes the inputs that depend on the step. @throws Error naming the inputs that were never written
   */
  prepare(): void {
    const missing = this.all.filter((value) => !value.feed && !this.given.has(value))
    if (missing.length > 0) {
      const list = missing.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ')
      throw new Error(
        `run: nothing was written to the input${missing.length === 1 ? '' : 's'} ${list}; call plan.write first`,
      )
    }
    for (const value of this.all)
      if (value.feed && !this.given.has(value)) this.put(value, value.feed(this.variables.stepsOf(value) + 1))
  }

  /** After a run was submitted: counts its step. */
  count(): void {
    for (const value of this.all)
      if (value.feed) this.variables.setStepsOf(value, this.variables.stepsOf(value) + 1)
  }

  /** Resolves once the device has validated all writes so far. */
  async checked(): Promise<void> {
    const { pending } = this
    this.pending = []
    await Promise.all(pending)
  }

  private put(value: Value, data: Float32Array | Uint32Array): void {
    const buffer = this.buffers.get(value)!
    const ordered = toMemoryOrder(value, data)
    const write = (): void => {
      this.gpu.device.queue.writeBuffer(buffer, 0, ordered.buffer, ordered.byteOffset, ordered.byteLength)
    }
    if (!this.bound.has(value)) {
      write()
      return
    }
    requireUsage(value, buffer, 'COPY_DST')
    this.pending.push(guarded(this.gpu, `write of ${value.name}`, write).checked)
  }
}
