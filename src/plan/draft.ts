import type { Value } from '../graph/value.js'
import type { ScheduledCall } from './calls.js'
import type { BoundBuffers } from './caller-buffers.js'
import type { Need } from './memory-need.js'
import type { Schedule } from './schedule.js'
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
