import type { Gpu } from '../gpu/gpu.js'
import type { Kernel } from '../gpu/pipeline-cache.js'
import { readBuffer } from '../gpu/transfer.js'
import { toCallerOrder, toMemoryOrder } from '../graph/layout.js'
import { requireType, type Value } from '../graph/value.js'
import { bindCalls } from './bind.js'
import type { ScheduledCall } from './calls.js'
import { requireUsage, type BoundBuffers } from './caller-buffers.js'
import { mostUnderWay, paramsBytes, reportBytes, valuesOf, type Need } from './memory-need.js'
import {
  encodeDispatches,
  preserving,
  timeDispatches,
  timePasses,
  type Dispatch,
  type DispatchTime,
} from './profile.js'
import { placeValues } from './place-values.js'
import type { Schedule } from './schedule.js'
import { Variables } from './variables.js'

/** A plan before anything of it is on the device. */
export interface PlanDraft {
  readonly schedule: Schedule
  readonly calls: readonly ScheduledCall[]
  readonly need: Need
}

/** What a plan keeps, reports and shares with the program around it; see `CompileOptions`. */
interface PlanEnds {
  readonly outputs: readonly Value[]
  readonly report: readonly Value[]
  readonly buffers: BoundBuffers
  /** Undefined if the plan makes its own. */
  readonly variables: Variables | undefined
}

/** A compiled graph. Write its inputs, run it, read its outputs; dispose of it when done. */
export class Plan {
  /** Bytes of the buffers that this plan owns. */
  readonly bytes: number
  /** Bytes of additional device memory: the variables that it uses, and the temporary memory for reading results. */
  readonly bytesBeside: number
  /** Number of slabs along depth in which the large part of the graph runs; 1 if all of it runs at once. */
  readonly slabs: number
  /** Planes of a slab; undefined if all of the graph runs at once. */
  readonly slabPlanes: number | undefined
  /** @internal read by `describe` */
  readonly dispatches: readonly Dispatch[]
  /** @internal read by `describe` */
  readonly schedule: Schedule
  private readonly buffers: ReadonlyMap<Value, GPUBuffer>
  private readonly owned = new Set<GPUBuffer>()
  private readonly ownVariables: Variables | undefined
  private readonly report: readonly Value[]
  private readonly kept: ReadonlySet<Value>
  /** Buffers of the program's. */
  private readonly bound: BoundBuffers
  /** Buffers for reports of future runs. */
  private readonly staging: GPUBuffer[] = []
  private underWay = 0

  /** @internal use `compile` */
  constructor(
    private readonly gpu: Gpu,
    { outputs, report, buffers, variables }: PlanEnds,
    { schedule, calls, need }: PlanDraft,
    kernels: readonly Kernel[],
  ) {
    this.schedule = schedule
    this.slabs = schedule.sweep?.slabs.length ?? 1
    this.slabPlanes = schedule.sweep?.thickness
    this.bytesBeside = need.variables + need.reading
    this.report = report
    this.kept = new Set([...outputs, ...report])
    this.bound = buffers
    this.ownVariables = variables ? undefined : new Variables(gpu)
    try {
      this.buffers = placeValues(
        valuesOf(schedule.nodes, this.kept),
        schedule.memory,
        buffers,
        variables ?? this.ownVariables!,
        (label, bytes, usage) => this.own(label, bytes, usage),
        gpu.device.queue,
      )
      for (let i = 0; i < mostUnderWay; i++) {
        const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
        this.staging.push(this.own('report', reportBytes(report), usage))
      }
      const params = this.own('params', paramsBytes(calls), GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST)
      this.dispatches = bindCalls(this.gpu.device, calls, kernels, schedule.stored, params, (value) =>
        this.bufferOf(value),
      )
    } catch (error) {
      this.dispose()
      throw error
    }
    this.bytes = [...this.owned].reduce((sum, buffer) => sum + buffer.size, 0)
  }

  /** Number of dispatches of one run. */
  get length(): number {
    return this.dispatches.length
  }

  /** Sets the contents of an input, in the caller's order (NCDHW). They stay until written again. */
  write(value: Value, data: Float32Array | Uint32Array): void {
    const buffer = this.buffers.get(value)
    if (value.role !== 'input' || !buffer) throw new Error(`${value.name} is not an input of this plan`)
    requireType(value, data instanceof Uint32Array ? 'u32' : 'f32')
    if (data.length !== value.size) {
      throw new Error(`${value.name}: ${data.length} numbers given for shape [${value.shape.join(', ')}]`)
    }
    if (this.bound.has(value)) requireUsage(value, buffer, 'COPY_DST')
    const ordered = toMemoryOrder(value, data)
    this.gpu.device.queue.writeBuffer(buffer, 0, ordered.buffer, ordered.byteOffset, ordered.byteLength)
  }

  /** The inputs that this plan reads. */
  get inputs(): Value[] {
    return [...this.buffers.keys()].filter((value) => value.role === 'input')
  }

  /** True if the plan reads this input. */
  reads(value: Value): boolean {
    return value.role === 'input' && this.buffers.has(value)
  }

  /**
   * Runs every dispatch once. The work is submitted when this returns; the promise resolves to the values of `report` when the run is done.
   * Meanwhile you may write inputs and begin the next run: the device keeps the order. At most two runs may be in
   * flight.
   *
   * @throws Error if two are
   */
  async run(): Promise<Float32Array[]> {
    const staging = this.underWay < mostUnderWay ? this.staging.pop() : undefined
    if (!staging) throw new Error(`${mostUnderWay} runs of the plan are in flight; wait for one of them`)
    this.underWay++
    try {
      this.gpu.device.queue.submit([this.encode(staging)])
      // Mapping a buffer waits only for work that touches it.
      if (this.report.length === 0) {
        await this.gpu.finish()
        return []
      }
      await this.gpu.wait(staging.mapAsync(GPUMapMode.READ))
      const bytes = staging.getMappedRange().slice(0)
      staging.unmap()
      this.gpu.check()
      return this.reported(bytes)
    } finally {
      this.underWay--
      this.staging.push(staging)
    }
  }

  /**
   * Runs every dispatch once, timed on the device, in the order of the plan; `describe` adds the times to the
   * dispatches. Restores the variables afterwards, so do not begin a run meanwhile.
   *
   * @throws Error if the device has no timestamps
   */
  async profile(): Promise<DispatchTime[]> {
    const variables = [...this.buffers].filter(([{ role }]) => role === 'variable')
    return preserving(
      this.gpu,
      variables.map(([, buffer]) => buffer),
      () => timeDispatches(this.gpu, this.dispatches),
    )
  }

  /**
   * Runs one workgroup of every kernel, because some drivers compile a kernel when it first runs. Call it only before
   * the first run: its results are meaningless. Variables and inputs do not change.
   */
  async warmUp(): Promise<void> {
    // The kernels that update variables are small; they can wait for the first run.
    const first = new Map(
      this.dispatches.filter(({ mutates }) => !mutates).map((dispatch) => [dispatch.pipeline, dispatch]),
    )
    const encoder = this.gpu.device.createCommandEncoder({ label: 'warm-up' })
    const pass = encoder.beginComputePass({ label: 'warm-up' })
    encodeDispatches(
      pass,
      [...first.values()].map((dispatch) => ({ ...dispatch, workgroups: [1, 1, 1] })),
    )
    pass.end()
    this.gpu.device.queue.submit([encoder.finish()])
    await this.gpu.finish()
  }

  /**
   * Runs every dispatch once and returns the seconds that the device took for it.
   *
   * @throws Error if the device has no timestamps
   */
  async timedRun(): Promise<number> {
    const [seconds] = await timePasses(this.gpu, [this.dispatches])
    return seconds!
  }

  /**
   * Reads an output, a kept value or an input after a run, in the caller's order (NCDHW).
   *
   * @throws Error if the value is not kept: later dispatches may have overwritten it
   */
  async read(value: Value): Promise<Float32Array> {
    requireType(value, 'f32')
    return toCallerOrder(value, new Float32Array(await this.readBytes(value)))
  }

  /** Reads an output of type u32. */
  async readUint(value: Value): Promise<Uint32Array> {
    requireType(value, 'u32')
    return toCallerOrder(value, new Uint32Array(await this.readBytes(value)))
  }

  /**
   * The buffer of an input or output, for the caller's own kernels, shaders and copies (usages STORAGE, UNIFORM,
   * COPY_SRC and COPY_DST). It may be longer than the value, which is at its start: volumes [N,C,D,H,W] are stored as
   * [N,D,C,H,W] (see `toCallerOrder`). An output is valid from the end of a run until the next one is submitted; an
   * input until it is written again. The plan destroys the buffer when it is disposed of.
   *
   * @throws Error if the value is neither
   */
  buffer(value: Value): GPUBuffer {
    if (!this.reads(value) && !this.kept.has(value))
      throw new Error(`${value.name} is neither an input nor an output of this plan`)
    return this.bufferOf(value)
  }

  /** Destroys the plan's buffers. */
  dispose(): void {
    for (const buffer of this.owned) this.gpu.buffers.destroy(buffer)
    this.owned.clear()
    this.ownVariables?.dispose()
  }

  private encode(staging: GPUBuffer): GPUCommandBuffer {
    const encoder = this.gpu.device.createCommandEncoder({ label: 'plan' })
    const pass = encoder.beginComputePass({ label: 'plan' })
    encodeDispatches(pass, this.dispatches)
    pass.end()
    let at = 0
    for (const value of this.report) {
      encoder.copyBufferToBuffer(this.bufferOf(value), 0, staging, at, value.bytes)
      at += value.bytes
    }
    return encoder.finish()
  }

  private reported(bytes: ArrayBuffer): Float32Array[] {
    let at = 0
    return this.report.map((value) => {
      const numbers = new Float32Array(bytes, at, value.size)
      at += value.bytes
      return toCallerOrder(value, numbers)
    })
  }

  private async readBytes(value: Value): Promise<ArrayBuffer> {
    const buffer = this.bufferOf(value)
    if (value.role === 'computed' && !this.kept.has(value)) {
      throw new Error(`${value.name} is not kept after a run; name it in outputs or keep`)
    }
    if (this.bound.has(value)) requireUsage(value, buffer, 'COPY_SRC')
    return readBuffer(this.gpu, buffer, 0, value.bytes)
  }

  private bufferOf(value: Value): GPUBuffer {
    const buffer = this.buffers.get(value)
    if (!buffer) throw new Error(`${value.name} is not part of this plan`)
    return buffer
  }

  private own(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const buffer = this.gpu.buffers.create(label, bytes, usage)
    this.owned.add(buffer)
    return buffer
  }
}
