import { bindingAlignment, wholeVectors } from '../gpu/alignment.js'
import { stagingBytes } from '../gpu/transfer.js'
import type { Schedule } from './schedule.js'
import type { ScheduledCall } from './calls.js'
import type { Value } from '../graph/value.js'

/** Most runs of a plan in flight at once: each needs a buffer for its report. */
export const maxInFlight = 2

/** Bytes of device memory that a plan takes, by use. */
export interface Need {
  /** Buffers of the plan. */
  readonly own: number
  /** Variables that it uses. */
  readonly variables: number
  /** Temporary: to read back an output, or all variables at once, as checkpoints do. */
  readonly reading: number
  /** The largest single buffer. */
  readonly largest: number
}

/** All device memory a schedule needs, except for caller-owned buffers. */
export function needOf(
  { nodes, memory }: Schedule,
  calls: readonly ScheduledCall[],
  outputs: readonly Value[],
  report: readonly Value[],
  bound: ReadonlySet<Value> = new Set(),
): Need {
  const apart = valuesOf(nodes, [...outputs, ...report]).filter(
    (value) => !memory.slotOf.has(value) && !bound.has(value),
  )
  const sizes = (values: readonly Value[]) => values.map(({ bytes }) => wholeVectors(bytes))
  const own = [
    ...memory.slots.map(wholeVectors),
    ...sizes(apart.filter(({ role }) => role !== 'variable')),
    wholeVectors(paramsBytes(calls)),
    ...Array.from({ length: maxInFlight }, () => wholeVectors(reportBytes(report))),
  ]
  const variables = sum(sizes(apart.filter(({ role }) => role === 'variable')))
  const output = Math.max(0, ...outputs.map(({ bytes }) => wholeVectors(Math.min(bytes, stagingBytes))))
  return { own: sum(own), variables, reading: Math.max(output, variables), largest: Math.max(...own) }
}

/** The total. */
export function totalOf({ own, variables, reading }: Need): number {
  return own + variables + reading
}

/** Every value that nodes touch, and all kept values. */
export function valuesOf(nodes: Schedule['nodes'], kept: Iterable<Value>): Value[] {
  const values = new Set<Value>()
  for (const node of nodes)
    for (const value of [...node.inputs, ...node.mutates, ...node.outputs, ...node.scratch]) values.add(value)
  for (const value of kept) values.add(value)
  return [...values]
}

/** Bytes of the parameters of all calls, each at the start of a binding. */
export function paramsBytes(calls: readonly ScheduledCall[]): number {
  return Math.max(1, calls.length) * bindingAlignment
}

/** Bytes that a run reports. */
export function reportBytes(report: readonly Value[]): number {
  return sum(report.map(({ bytes }) => bytes))
}

/** A need as text, rounded up. */
export function formatNeed(bytes: number): string {
  return `${rounded(bytes, Math.ceil)} MB`
}

/** A limit as text, rounded down, so that a need above it never looks equal. */
export function formatLimit(bytes: number): string {
  return `${rounded(bytes, Math.floor)} MB`
}

function rounded(bytes: number, round: (value: number) => number): number {
  return bytes < 1e7 ? round(bytes / 1e5) / 10 : round(bytes / 1e6)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
