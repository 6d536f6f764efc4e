import type { Gpu } from '../gpu/gpu.js'
import { guarded, type Guarded } from '../gpu/guarded.js'
import type { Kernel } from '../gpu/pipeline-cache.js'
import { readBuffer } from '../gpu/transfer.js'
import { toCallerOrder } from '../graph/layout.js'
import { requireType, type Value } from '../graph/value.js'
import { bindCalls } from './bind.js'
import { requireUsage, type BoundBuffers } from './caller-buffers.js'
import type { PlanDraft, PlanEnds } from './draft.js'
import { Inputs } from './inputs.js'
import { paramsBytes, valuesOf } from './memory-need.js'
import { encodeDispatches, type Dispatch } from './dispatch.js'
import type { DispatchTime } from './profile.js'
import { placeValues } from './place-values.js'
import { Report } from './report.js'
import type { Schedule } from './schedule.js'
import { Variables } from './variables.js'

/** A compiled graph. Write its inputs, run it, read its outputs; dispose of it when done. */
export class Plan {
  /** Bytes of the buffers that this plan owns. */
  readonly bytes: number
  /** Bytes of further device memory: the variables that it uses, and the temporary memory for reading results. */
  readonly extraBytes: number
  /** Number of slabs along depth in which the full-scale part of the graph runs; 1 if everything runs at once. */
  readonly slabs: number
  /** Planes of a slab; undefined if everything runs at once. */
  readonly slabPlanes: number | undefined
  /** @internal read by `describe` */
  readonly dispatches: readonly Dispatch[]
  /** @internal read by `describe` */
  readonly schedule: Schedule
  private readonly buffers: ReadonlyMap<Value, GPUBuffer>
  private readonly owned = new Set<GPUBuffer>()
  private readonly given: Inputs
  private readonly variables: Variables
  private readonly ownVariables: Variables | undefined
  private readonly report: Report
  private readonly kept: ReadonlySet<Value>
  /** Caller-owned buffers. */
  private readonly bound: BoundBuffers
  private hasRun = false
  private disposed = false

  /** @internal use `compile` */
  constructor(
    private readonly gpu: Gpu,
    { outputs, report, buffers, variables }: PlanEnds,
    { schedule, calls, need }: PlanDraft,
    kernels: readonly Kernel[],
  ) {
    this.schedule = schedule
    this.slabs = Math.max(1, ...schedule.sweeps.map(({ slabs }) => slabs.length))
    this.slabPlanes = schedule.sweeps[0]?.thickness
    this.extraBytes = need.variables + need.reading
    this.kept = new Set([...outputs, ...report])
    this.bound = buffers
    this.ownVariables = variables ? undefined : new Variables(gpu)
    this.variables = variables ?? this.ownVariables!
    try {
      this.buffers = placeValues(
        valuesOf(schedule.nodes, this.kept),
        schedule.memory,
        buffers,
        this.variables,
        (label, bytes, usage) => this.own(label, bytes, usage),
        gpu.device.queue,
      )
      this.given = new Inputs(gpu, this.buffers, buffers, this.variables)
      this.report = new Report(report, (label, bytes, usage) => this.own(label, bytes, usage))
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

  /**
   * Sets the contents of an input, in the caller's order (NCDHW). They stay until written again.
   *
   * @throws Error if the value is not an input of this plan, or if `data` has another length or type
   */
  write(value: Value, data: Float32Array | Uint32Array): void {
    this.requireUsable(`write of ${value.name}`)
    this.given.write(value, data)
  }

  /** The inputs that this plan reads. */
  get inputs(): Value[] {
    return this.given.all
  }

  /** True if the plan reads this input. */
  reads(value: Value): boolean {
    return this.given.has(value)
  }

  /**
   * Runs every dispatch once. The work is submitted when this returns; the promise resolves to the values of `report`
   * when the run is done. Meanwhile you may write inputs and start the next run: the device keeps the order. At most
   * two runs may be in flight.
   *
   * @throws Error if two runs are in flight, an input was never written, the device rejects the work, or the plan is
   *   disposed of before or during the run
   * @throws DeviceLostError if the device is lost
   * @throws UserError if it is out of memory
   */
  async run(): Promise<Float32Array[]> {
    this.requireUsable('run')
    const staging = this.report.claim()
    const isReported = this.report.values.length > 0
    try {
      const { queue } = this.gpu.device
      const { value: done, checked } = this.started(() => {
        queue.submit([this.encode(staging)])
        // Mapping a buffer waits only for work that touches it.
        return isReported ? staging.mapAsync(GPUMapMode.READ) : queue.onSubmittedWorkDone()
      })
      await this.settled('run', done)
      await Promise.all([checked, this.given.checked()])
      this.gpu.check()
      return isReported ? this.report.take(staging) : []
    } finally {
      if (staging.mapState === 'mapped') staging.unmap()
      this.report.release(staging)
    }
  }

  /**
   * Runs every dispatch once, in order, and times each on the device; `describe` shows the times. Restores the
   * variables afterwards, so do not start a run meanwhile.
   *
   * @throws Error if the device has no timestamps, or an input was never written
   */
  async profile(): Promise<DispatchTime[]> {
    const { timeDispatches } = await import('./profile.js')
    this.requireUsable('profile')
    this.given.prepare()
    const times = await timeDispatches(this.gpu, this.dispatches, this.buffers)
    this.hasRun = true
    return times
  }

  /**
   * Runs one workgroup of every kernel, because some drivers compile a kernel when it first runs. Call it only before
   * the first run: its results are meaningless. Variables and inputs do not change.
   */
  async warmUp(): Promise<void> {
    const { warmUp } = await import('./warm-up.js')
    this.requireUsable('warmUp')
    await warmUp(this.gpu, this.dispatches)
    await this.gpu.finish()
  }

  /**
   * Runs every dispatch once and returns the seconds that the device took. Unlike `run`, it need not have submitted its
   * work when it returns: await it before you write inputs or start a run.
   *
   * @throws Error if the device has no timestamps; otherwise as `run`
   */
  async timedRun(): Promise<number> {
    const { timePasses } = await import('./profile.js')
    this.requireUsable('timedRun')
    const { value: times } = this.started(() => timePasses(this.gpu, [this.dispatches]))
    const [seconds] = await times
    return seconds!
  }

  /**
   * Reads an output, a kept value or an input after a run, in the caller's order (NCDHW).
   *
   * @throws Error if the value is not kept (later dispatches may have overwritten it), or if the plan has not run yet
   *   or was disposed of
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
   * COPY_SRC and COPY_DST). The value lies at its start; the buffer may be longer. Volumes [N,C,D,H,W] are stored as
   * [N,D,C,H,W] (see `toCallerOrder`). An output is valid from the end of a run until the next one is submitted; an
   * input until it is written again. The plan destroys the buffer when it is disposed of, unless
   * it is the caller's or a variable's.
   *
   * Once you have asked for an input's buffer, the input counts as written.
   *
   * @throws Error if the value is not part of the plan, or computed and not kept; if the plan was disposed of
   */
  buffer(value: Value): GPUBuffer {
    this.requireUsable(`buffer of ${value.name}`)
    const buffer = this.keptBuffer(value)
    this.given.handOver(value)
    return buffer
  }

  /** Destroys the plan's buffers; a run in flight fails. The plan cannot be used again. */
  dispose(): void {
    this.disposed = true
    for (const buffer of this.owned) this.gpu.buffers.destroy(buffer)
    this.owned.clear()
    this.ownVariables?.dispose()
  }

  private encode(staging: GPUBuffer): GPUCommandBuffer {
    const encoder = this.gpu.device.createCommandEncoder({ label: 'plan' })
    const pass = encoder.beginComputePass({ label: 'plan' })
    encodeDispatches(pass, this.dispatches)
    pass.end()
    this.report.encode(encoder, (value) => this.bufferOf(value), staging)
    return encoder.finish()
  }

  private async readBytes(value: Value): Promise<ArrayBuffer> {
    this.requireUsable(`read of ${value.name}`)
    const buffer = this.keptBuffer(value)
    if (value.role === 'computed' && !this.hasRun)
      throw new Error(`${value.name} cannot be read before the plan has run`)
    if (this.bound.has(value)) requireUsage(value, buffer, 'COPY_SRC')
    return this.settled('read', readBuffer(this.gpu, buffer, 0, value.bytes))
  }

  /** Starts a run: writes the inputs, then submits `work`. */
  private started<T>(work: () => T): Guarded<T> {
    const started = guarded(this.gpu, 'run', () => {
      this.given.prepare()
      return work()
    })
    this.given.count()
    this.hasRun = true
    return started
  }

  private async settled<T>(what: string, promise: Promise<T>): Promise<T> {
    try {
      const outcome = await this.gpu.settled(what, promise)
      if (!this.disposed) return outcome
    } catch (error) {
      if (!this.disposed) throw error
    }
    throw new Error(`${what}: the plan was disposed of meanwhile`)
  }

  private requireUsable(what: string): void {
    if (this.disposed) throw new Error(`${what}: the plan was disposed of`)
    this.variables.requireUsable(what)
  }

  /** The buffer of a value whose contents outlive a run. */
  private keptBuffer(value: Value): GPUBuffer {
    const buffer = this.bufferOf(value)
    if (value.role !== 'computed' || this.kept.has(value)) return buffer
    throw new Error(
      `${String(value)} is neither an input nor an output of this plan, and not kept: later ops reuse its memory; name it in \`keep\` or \`outputs\` of compile`,
    )
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
