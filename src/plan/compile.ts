import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import type { Kernel } from '../gpu/pipeline-cache.js'
import { firstLine } from '../gpu/guarded.js'
import { requireGpu } from '../gpu/require-gpu.js'
import { requireValues } from '../graph/require-values.js'
import { nodesBehind } from '../graph/gradients.js'
import { placed, placeOf } from '../graph/layer.js'
import type { OpNode } from '../graph/node.js'
import { requireType, type Value } from '../graph/value.js'
import type { ScheduledCall } from './calls.js'
import type { BoundBuffers } from './caller-buffers.js'
import { draftOf } from './draft.js'
import { formatLimit, formatNeed, totalOf, valuesOf, type Need } from './memory-need.js'
import { Plan } from './plan.js'
import { Shortage } from './shortage.js'
import type { Precision } from './storage.js'
import type { Variables } from './variables.js'

/** What a plan computes, and how much memory it may use. */
export interface CompileOptions {
  /** Values that can be read after a run. Each has its own buffer. */
  readonly outputs: readonly Value[]
  /**
   * Intermediate values that can also be read after a run: some, or `all` that nodes compute (except scratch). For
   * debugging: each takes its own buffer, is stored as f32, and exists as a whole even in a sweep.
   */
  readonly keep?: 'all' | readonly Value[]
  /** Small outputs that every run returns. */
  readonly report?: readonly Value[]
  /**
   * Nodes to run for their side effects: optimiser updates. They run last, in the order in which they were made; everything else
   * reads what variables held before the run.
   */
  readonly effects?: readonly OpNode[]
  /** Contents of the variables. By default the plan creates its own and disposes of them. */
  readonly variables?: Variables
  /**
   * Most bytes of device memory that the plan may take, including its variables and the temporary memory for reading
   * results. If the whole graph needs more, its full-scale part runs slab by slab along depth, which costs some time;
   * if even that needs more, compiling fails.
   */
  readonly memoryLimit?: number | undefined
  /** A soft `memoryLimit`: exceeded if the graph cannot fit, ignored if `memoryLimit` is given. Default: 1.5e9. */
  readonly memoryTarget?: number
  /**
   * Forces the graph to run in slabs of this many planes, instead of searching for the thickness that fits the limit.
   */
  readonly slabPlanes?: number
  /**
   * Storage type of intermediate volumes: f16 halves the bytes of those that do not need the range of f32. Inputs,
   * outputs and arithmetic are always f32. Default f32.
   */
  readonly storage?: Precision
  /**
   * Caller-owned buffers to use for inputs and outputs, without a copy. Each needs the usage STORAGE and at least
   * `bufferBytes(value)` bytes, counted from its start; volumes [N,C,D,H,W] are stored as [N,D,C,H,W] (see
   * `toMemoryOrder`). The plan never destroys them.
   */
  readonly buffers?: BoundBuffers
}

/**
 * Compiles a graph for a device: makes pipelines, bind groups and buffers once; `run` only replays the dispatches.
 *
 * @throws UserError if the graph does not fit into the limit, the device is out of memory, or it cannot store f16
 * @throws Error if an option is out of range, a shader does not compile, a buffer of `buffers` is unsuitable for its value, a
 *   value of `keep` is not part of the graph, a variable is read between two updates, `gpu` is not a `Gpu`, or the variables
 *   belong to another one
 * @throws DeviceLostError if the device is lost
 */
export async function compile(gpu: Gpu, request: CompileOptions): Promise<Plan> {
  requireGpu('compile', gpu)
  requireValues('compile: outputs', request.outputs)
  requireValues('compile: report', request.report ?? [])
  if (request.keep !== 'all') requireValues('compile: keep', request.keep ?? [])
  requireNodes(request.effects ?? [])
  request.variables?.requireUsable('compile', gpu)
  const options = withKept(request)
  for (const value of options.report ?? []) requireType(value, 'f32')
  const draft = await draftOf(gpu, options)
  requireMemory(gpu, draft.need, options.memoryLimit)
  const kernels = await gpu.settled('compile', Promise.all(draft.calls.map((call) => kernelOf(gpu, call))))
  const { outputs, report = [], buffers = new Map(), variables } = options
  const plan = await allocated(
    gpu,
    draft.need,
    () => new Plan(gpu, { outputs, report, buffers, variables }, draft, kernels),
  )
  if (gpu.trace.plan) {
    const { describe, formatPlan } = await import('./describe.js')
    gpu.trace.plan(formatPlan(describe(plan)))
  }
  return plan
}

/** @throws Error unless these are nodes, in one list */
function requireNodes(effects: unknown): void {
  const sound = Array.isArray(effects) && effects.every((effect) => 'mutates' in Object(effect))
  if (!sound)
    throw new Error(
      'compile: effects must be a list of nodes; spread what minimise returns: [...adam.minimise(loss)]',
    )
}

/** The kernel of a call. @throws Error naming the op and layer if it does not compile */
async function kernelOf(gpu: Gpu, call: ScheduledCall): Promise<Kernel> {
  try {
    return await gpu.pipelines.get(call)
  } catch (error) {
    throw placed(placeOf(call), error)
  }
}

/** The options, with the kept values added to the outputs. */
function withKept({ keep = [], ...options }: CompileOptions): CompileOptions {
  const { outputs, report = [], effects } = options
  const nodes = nodesBehind([...outputs, ...report], effects)
  if (keep === 'all')
    return { ...options, outputs: [...new Set([...outputs, ...nodes.flatMap((node) => node.outputs)])] }
  const values = new Set(valuesOf(nodes, [...outputs, ...report]))
  const stranger = keep.find((value) => !values.has(value))
  if (stranger)
    throw new Error(`compile: ${String(stranger)} cannot be kept, because no output or effect depends on it`)
  return { ...options, outputs: [...new Set([...outputs, ...keep])] }
}

function requireMemory(gpu: Gpu, need: Need, limit: number | undefined): void {
  const total = totalOf(need)
  if (limit !== undefined && total > limit) {
    throw new Shortage(
      (saving) =>
        `at least ${formatNeed(total)} of device memory is needed, but the limit is ${formatLimit(limit)}; crop the volumes or use ${saving}, or raise the limit`,
    )
  }
  const { maxBufferSize } = gpu.device.limits
  if (need.largest > maxBufferSize) {
    throw new Shortage(
      (saving) =>
        `${formatNeed(need.largest)} is needed in one buffer, but ${gpu.adapter.name} allows at most ${formatLimit(maxBufferSize)}; crop the volumes or use ${saving}`,
    )
  }
}

/** Makes a plan; if the device runs out of memory, destroys what was made of it. */
async function allocated(gpu: Gpu, need: Need, make: () => Plan): Promise<Plan> {
  const { device } = gpu
  // Using buffers that could not be created causes further errors, which would hide the reason.
  device.pushErrorScope('validation')
  device.pushErrorScope('out-of-memory')
  let plan: Plan | undefined
  let failure: unknown
  try {
    plan = make()
  } catch (error) {
    failure = error
  }
  const scopes = Promise.all([device.popErrorScope(), device.popErrorScope()])
  const [shortage, invalid] = await gpu.settled('compile', scopes)
  if (plan && !shortage && !invalid) return plan
  plan?.dispose()
  if (shortage) {
    throw new UserError(
      `${gpu.adapter.name} is out of memory: ${formatNeed(totalOf(need))} is needed; close other programs that use it, or give a lower memory limit`,
    )
  }
  if (failure !== undefined) throw failure as Error
  const { message } = invalid!
  const hint = /associated with|destroyed/.test(message)
    ? '; a buffer of `buffers` belongs to another device, or was destroyed'
    : ''
  throw new Error(`compile: GPU error: ${firstLine(message)}${hint}`, { cause: message })
}
