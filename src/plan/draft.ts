import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import { traitsOf } from '../gpu/traits.js'
import { nodesBehind } from '../graph/gradients.js'
import type { Value } from '../graph/value.js'
import { callsOf, type ScheduledCall } from './calls.js'
import { checkBound, type BoundBuffers } from './caller-buffers.js'
import type { CompileOptions } from './compile.js'
import { requireSensible } from './sensible-options.js'
import { needOf, totalOf, valuesOf, type Need } from './memory-need.js'
import { atOnce, type Schedule } from './schedule.js'
import { inFull, inHalf } from './storage.js'
import { updatesLast } from './updates-last.js'
import type { Variables } from './variables.js'

/** A plan before anything of it exists on the device. */
export interface PlanDraft {
  readonly schedule: Schedule
  readonly calls: readonly ScheduledCall[]
  readonly need: Need
}

/** What a plan keeps, reports and shares with the calling program; see `CompileOptions`. */
export interface PlanEnds {
  readonly outputs: readonly Value[]
  readonly report: readonly Value[]
  readonly buffers: BoundBuffers
  /** Undefined if the plan makes its own. */
  readonly variables: Variables | undefined
}

/** Device memory of a plan if no limit is given: little enough for a laptop's GPU. */
const defaultTarget = 1.5e9

/**
 * Orders the graph so that its memory stays within the limit, if possible. Makes nothing on the device.
 *
 * Most graphs fit at once; what cuts the others into slabs is loaded when the first of them is compiled.
 */
export async function draftOf(
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
): Promise<PlanDraft> {
  requireSensible(storage, { memoryLimit, memoryTarget, slabPlanes })
  const nodes = updatesLast(nodesBehind([...outputs, ...report], effects))
  const kept = new Set([...outputs, ...report])
  if (storage === 'f16') requireHalves(gpu)
  const traits = traitsOf(gpu)
  const stored = storage === 'f16' ? inHalf(nodes, kept, traits) : inFull
  const bound = new Set(buffers.keys())
  checkBound(buffers, new Set(valuesOf(nodes, kept)), kept, report)
  const limit = memoryLimit ?? memoryTarget
  const drafted = (schedule: Schedule, calls: readonly ScheduledCall[]): PlanDraft => ({
    schedule,
    calls,
    need: needOf(schedule, calls, outputs, report, bound),
  })
  const plain = atOnce(nodes, kept, stored, bound)
  if (plain.bytes <= limit && !slabPlanes) {
    const draft = drafted(plain, callsOf(nodes, stored, traits))
    if (totalOf(draft.need) <= limit) return draft
  }
  const { draftInSlabs } = await import('./draft-in-slabs.js')
  return draftInSlabs(plain, { kept, bound, limit, slabPlanes, traits, drafted })
}

/** @throws UserError if the device has no f16 */
function requireHalves({ device, adapter }: Gpu): void {
  if (device.features.has('shader-f16')) return
  throw new UserError(
    `${adapter.name} cannot store f16 (WebGPU feature shader-f16); use f32 or another adapter`,
  )
}
