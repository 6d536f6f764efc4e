import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import type { Kernel } from '../gpu/pipeline-cache.js'
import { readBuffer } from '../gpu/transfer.js'
import { bindCalls } from './bind.js'
import { checkBound, requireUsage, type BoundBuffers } from './caller-buffers.js'
import { nodesBehind } from '../graph/gradients.js'
import { toCallerOrder, toMemoryOrder } from '../graph/layout.js'
import { encodeDispatches, timeDispatches, timePasses, type Dispatch, type DispatchTime } from './profile.js'
import type { DeviceTraits, OpNode } from '../graph/node.js'
import {
  formatLimit,
  formatNeed,
  mostUnderWay,
  needOf,
  paramsBytes,
  reportBytes,
  totalOf,
  valuesOf,
  type Need,
} from './memory-need.js'
import { callsOf, schedule, type Schedule, type ScheduledCall } from './schedule.js'
import { inFull, inHalf, type Precision } from './storage.js'
import type { DType, Value } from '../graph/value.js'
import { Variables } from './variables.js'

/** What a plan computes, and within which memory. */
export interface CompileOptions {
  /** Values that can be read after a run. They keep a buffer of their own. */
  readonly outputs: readonly Value[]
  /** Small outputs that every run returns. */
  readonly report?: readonly Value[]
  /** Nodes to run for what they change: optimiser updates. */
  readonly effects?: readonly OpNode[]
  /** Where variables live. Without it the plan makes one of its own and disposes of it. */
  readonly variables?: Variables
  /**
   * Bytes of device memory that the plan may take, with the variables that it uses and what reading its results takes
   * for a moment. Where the whole graph at once needs more, its large part runs slab by slab along depth, which costs
   * some time; where even that needs more, compiling fails.
   */
  readonly memoryLimit?: number | undefined
  /** As `memoryLimit`, but exceeded where it must be; without effect where a limit is given. Default: 1.5e9. */
  readonly memoryTarget?: number
  /** Planes of a slab, for those who know better than the limit; the graph runs slab by slab then. */
  readonly slabPlanes?: number
  /**
   * How volumes that are computed on the way are stored: with f16, half the bytes for all that does not need the range
   * of f32. What goes in or comes out is f32, and so is arithmetic. Default f32.
   */
  readonly storage?: Precision
  /**
   * Buffers of the program's own in which inputs and outputs lie, without a copy. Each needs the usage STORAGE, and at
   * least `bufferBytes(value)` bytes, from its beginning on; volumes [N,C,D,H,W] lie there as [N,D,C,H,W] (see
   * `toMemoryOrder`). The plan never destroys them.
   */
  readonly buffers?: BoundBuffers
}

/** What a plan may take unless told otherwise: little enough for the GPUs of laptops. */
const defaultTarget = 1.5e9

/**
 * Compiles a graph for a device: pipelines, bind groups and buffers are made once, here; `run` only replays them.
 *
 * @throws UserError where a limit is given that the graph cannot keep, the device is short of memory, or f16 is asked of
 *   one that cannot store it
 * @throws Error where a shader does not compile, or a buffer of `buffers` does not suit its value
 */
export async function compile(gpu: Gpu, options: CompileOptions): Promise<Plan> {
  for (const value of options.report ?? []) requireType(value, 'f32')
  const layout = layOut(gpu, options)
  requireMemory(gpu, layout.need, options.memoryLimit)
  const kernels = await gpu.wait(Promise.all(layout.calls.map((call) => gpu.pipelines.get(call))))
  return allocated(gpu, layout.need, () => new Plan(gpu, options, layout, kernels))
}

/** What a plan consists of before there is anything of it on the device. */
interface Layout {
  readonly order: Schedule
  readonly calls: readonly ScheduledCall[]
  readonly need: Need
}

/** Orders the graph so that all that it takes stays within the limit, where that can be. */
function layOut(
  gpu: Gpu,
  {
    outputs,
    report = [],
    effects = [],
    memoryLimit,
    memoryTarget = defaultTarget,
    slabPlanes,
    storage = 'f32',
    buffers = new Map(),
  }: CompileOptions,
): Layout {
  const nodes = nodesBehind([...outputs, ...report], effects).sort((a, b) => a.id - b.id)
  const kept = new Set([...outputs, ...report])
  if (storage === 'f16') requireHalves(gpu)
  const stored = storage === 'f16' ? inHalf(nodes, kept, traitsOf(gpu)) : inFull
  const bound = new Set(buffers.keys())
  checkBound(buffers, new Set(valuesOf(nodes, kept)), kept, report)
  const limit = memoryLimit ?? memoryTarget
  let allowance = limit
  for (;;) {
    const order = schedule(nodes, kept, allowance, slabPlanes, stored, bound)
    const calls = callsOf(order, traitsOf(gpu))
    const need = needOf(order, calls, outputs, report, bound)
    const excess = totalOf(need) - limit
    if (excess <= 0 || order.bytes > allowance || slabPlanes) return { order, calls, need }
    // A schedule counts its volumes only; what comes on top depends on how many calls there are, and so on the slabs.
    allowance = order.bytes - excess
  }
}

/** @throws UserError where the device has no f16 */
export function requireHalves({ device, adapter }: Gpu): void {
  if (device.features.has('shader-f16')) return
  throw new UserError(
    `${adapter.name} cannot store f16 (WebGPU feature shader-f16); use f32 or another adapter`,
  )
}

function requireMemory(gpu: Gpu, need: Need, limit: number | undefined): void {
  const advice = 'crop the volumes or use a smaller batch'
  const total = totalOf(need)
  if (limit !== undefined && total > limit) {
    throw new UserError(
      `at least ${formatNeed(total)} of device memory are needed, the limit is ${formatLimit(limit)}; ${advice}, or raise the limit`,
    )
  }
  const { maxBufferSize } = gpu.device.limits
  if (need.largest > maxBufferSize) {
    throw new UserError(
      `${formatNeed(need.largest)} are needed in one buffer, ${gpu.adapter.name} has at most ${formatLimit(maxBufferSize)}; ${advice}`,
    )
  }
}

/** Makes a plan; where the device has no memory for it, none of it is left. */
async function allocated(gpu: Gpu, need: Need, make: () => Plan): Promise<Plan> {
  const { device } = gpu
  // Buffers that could not be made are invalid where they are used, which is noise beside the reason.
  device.pushErrorScope('validation')
  device.pushErrorScope('out-of-memory')
  let plan: Plan | undefined
  let failure: unknown
  try {
    plan = make()
  } catch (error) {
    failure = error
  }
  const [shortage, invalid] = await gpu.wait(Promise.all([device.popErrorScope(), device.popErrorScope()]))
  if (plan && !shortage && !invalid) return plan
  plan?.dispose()
  if (shortage) {
    throw new UserError(
      `${gpu.adapter.name} is out of memory: ${formatNeed(totalOf(need))} are needed; end other programs that use it, or give a lower memory limit`,
    )
  }
  if (failure !== undefined) throw failure as Error
  throw new Error(`GPU error: ${invalid!.message}`)
}

/** What ops may know of a device. */
export function traitsOf(gpu: Gpu): DeviceTraits {
  return {
    bindingElements: Math.floor(gpu.bindingLimit / 4),
    uniformBytes: gpu.device.limits.maxUniformBufferBindingSize,
    subgroupSize: gpu.subgroupSize,
    software: gpu.adapter.software,
  }
}

/** A compiled graph. Write its inputs, run it, read its outputs; dispose of it when done. */
export class Plan {
  /** Bytes of the buffers that this plan owns. */
  readonly bytes: number
  /** Bytes of device memory beside them: the variables that it uses, and what reading results takes for a moment. */
  readonly bytesBeside: number
  /** Slabs along depth in which the large part of the graph runs; 1 where all of it runs at once. */
  readonly slabs: number
  /** Planes of a slab; undefined where all of the graph runs at once. */
  readonly slabPlanes: number | undefined
  private readonly dispatches: Dispatch[]
  private readonly buffers = new Map<Value, GPUBuffer>()
  private readonly owned = new Set<GPUBuffer>()
  private readonly ownVariables: Variables | undefined
  private readonly report: readonly Value[]
  private readonly kept: ReadonlySet<Value>
  /** Buffers of the program's. */
  private readonly bound: BoundBuffers
  /** Buffers for reports of runs to come. */
  private readonly staging: GPUBuffer[] = []
  private underWay = 0

  /** @internal use `compile` */
  constructor(
    private readonly gpu: Gpu,
    options: CompileOptions,
    { order, calls, need }: Layout,
    kernels: readonly Kernel[],
  ) {
    this.slabs = order.sweep?.slabs.length ?? 1
    this.slabPlanes = order.sweep?.thickness
    this.bytesBeside = need.variables + need.reading
    this.report = options.report ?? []
    this.kept = new Set([...options.outputs, ...this.report])
    this.bound = options.buffers ?? new Map()
    this.ownVariables = options.variables ? undefined : new Variables(gpu)
    try {
      this.allocate(order, options.variables ?? this.ownVariables!)
      for (let i = 0; i < mostUnderWay; i++) {
        const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
        this.staging.push(this.own('report', reportBytes(this.report), usage))
      }
      const params = this.own('params', paramsBytes(calls), GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST)
      this.dispatches = bindCalls(this.gpu.device, calls, kernels, order.stored, params, (value) =>
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

  /** True where the plan reads this input. */
  reads(value: Value): boolean {
    return value.role === 'input' && this.buffers.has(value)
  }

  /** Runs every dispatch once and returns the values of `report`, in their order. */
  async run(): Promise<Float32Array[]> {
    return this.submit()
  }

  /**
   * Gives the device one run to do, at once and without waiting for it; the promise brings the values of `report` when
   * it is done. Inputs may be written and the next run submitted meanwhile: the device keeps the order. Two runs may be
   * under way.
   *
   * @throws Error where two are
   */
  async submit(): Promise<Float32Array[]> {
    const staging = this.underWay < mostUnderWay ? this.staging.pop() : undefined
    if (!staging) throw new Error(`${mostUnderWay} runs of the plan are under way; wait for one of them`)
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
   * Runs every dispatch once, timed on the device, in the order of the plan.
   *
   * @throws Error where the device has no timestamps
   */
  async profile(): Promise<DispatchTime[]> {
    return timeDispatches(this.gpu, this.dispatches)
  }

  /**
   * Runs one workgroup of every kernel, because some drivers compile a kernel when it first runs. Only before the first
   * run: what it computes is of no use. Variables and inputs stay as they are.
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
   * @throws Error where the device has no timestamps
   */
  async timedRun(): Promise<number> {
    const [seconds] = await timePasses(this.gpu, [this.dispatches])
    return seconds!
  }

  /** Reads an output (or an input) after a run, in the caller's order (NCDHW). */
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
   * The buffer of an input or output as it is, for kernels, shaders and copies of the program's own (usages STORAGE,
   * UNIFORM, COPY_SRC and COPY_DST). It may be longer than the value, which lies at its beginning: volumes [N,C,D,H,W] as
   * [N,D,C,H,W] (see `toCallerOrder`). An output is there from the end of a run until the next one is submitted; an input
   * stays until it is written again. The buffer is gone with the plan.
   *
   * @throws Error where the value is neither
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
    if (this.bound.has(value)) requireUsage(value, this.bound.get(value)!, 'COPY_SRC')
    return readBuffer(this.gpu, this.bufferOf(value), 0, value.bytes)
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

  private allocate({ nodes, memory }: Schedule, variables: Variables): void {
    const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPUBufferUsage
    const usage = STORAGE | UNIFORM | COPY_SRC | COPY_DST
    const { slotOf, slots } = memory
    const pool = slots.map((bytes, i) => this.own(`pool ${i}`, bytes, usage))
    const place = (value: Value): void => {
      const slot = slotOf.get(value)
      const bound = this.bound.get(value)
      if (bound) {
        this.buffers.set(value, bound)
      } else if (slot !== undefined) {
        this.buffers.set(value, pool[slot]!)
      } else if (value.role === 'variable') {
        this.buffers.set(value, variables.buffer(value))
      } else {
        const buffer = this.own(value.name, value.bytes, usage)
        if (value.initial)
          this.gpu.device.queue.writeBuffer(buffer, 0, value.initial as Float32Array<ArrayBuffer>)
        this.buffers.set(value, buffer)
      }
    }
    for (const value of valuesOf(nodes, this.kept)) place(value)
  }
}

function requireType(value: Value, dtype: DType): void {
  if (value.dtype !== dtype) throw new Error(`${value.name} holds ${value.dtype}, not ${dtype}`)
}
