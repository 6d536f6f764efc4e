import type { DeviceTraits } from '../gpu/traits.js'
import type { Value } from '../graph/value.js'
import type { ScheduledCall } from './calls.js'
import type { PlanDraft } from './draft.js'
import { totalOf } from './memory-need.js'
import type { Schedule } from './schedule.js'
import { sweepCalls } from './sweep-calls.js'
import { withinLimit } from './within-limit.js'

/** What a draft must respect. */
export interface DraftLimits {
  /** Values that must be available after a run. */
  readonly kept: ReadonlySet<Value>
  /** Values with caller-owned buffers, which are not counted. */
  readonly bound: ReadonlySet<Value>
  /** Bytes that the plan may take in all. */
  readonly limit: number
  /** Forces slabs of this many planes. */
  readonly slabPlanes: number | undefined
  readonly traits: DeviceTraits
  /** Counts the memory of a schedule and its calls. */
  readonly drafted: (schedule: Schedule, calls: readonly ScheduledCall[]) => PlanDraft
}

/** The draft of a graph that does not fit at once: in the thickest slabs within the limit, else in the thinnest. */
export function draftInSlabs(
  plain: Schedule,
  { kept, bound, limit, slabPlanes, traits, drafted }: DraftLimits,
): PlanDraft {
  let allowance = limit
  for (;;) {
    const ordered = withinLimit(plain, kept, allowance, slabPlanes, bound)
    const draft = drafted(ordered, sweepCalls(ordered, traits))
    const excess = totalOf(draft.need) - limit
    if (excess <= 0 || ordered.bytes > allowance || slabPlanes) return draft
    // A schedule counts only its volumes; the rest depends on the number of calls, and so on the slabs.
    // The allowance falls with every round, until a schedule fits or none can.
    allowance = ordered.bytes - excess
  }
}
