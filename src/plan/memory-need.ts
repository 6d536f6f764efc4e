import { stagingBytes } from '../gpu/transfer.js'
import type { Schedule, ScheduledCall } from './schedule.js'
import type { Value } from '../graph/value.js'

/** Runs of a plan that may be under way at once: each needs a buffer for its report. */
export const mostUnderWay = 2

/** Parameters of each call lie at a multiple of this many bytes. */
export const paramsAlignment = 256

/** Bytes of device memory that a plan takes, by what they are for. */
export interface Need {
  /** Buffers of the plan. */
  readonly own: number
  /** Variables that it uses. */
  readonly variables: number
  /** For a moment: read-back of an output, or of all variables at once, as checkpoints do. */
  readonly reading: number
  /** The largest single buffer. */
  readonly largest: number
}

/** What a schedule needs beside and including its volumes, but for values that are bound to buffers of the program's. */
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
  const sizes = (values: readonly Value[]) => values.map(({ bytes }) => padded(bytes))
  const own = [
    ...memory.slots.map(padded),
    ...sizes(apart.filter(({ role }) => role !== 'variable')),
    padded(paramsBytes(calls)),
    ...Array.from({ length: mostUnderWay }, () => padded(reportBytes(report))),
  ]
  const variables = sum(sizes(apart.filter(({ role }) => role === 'variable')))
  const output = Math.max(0, ...outputs.map(({ bytes }) => padded(Math.min(bytes, stagingBytes))))
  return { own: sum(own), variables, reading: Math.max(output, variables), largest: Math.max(...own) }
}

/** All of it together. */
export function totalOf({ own, variables, reading }: Need): number {
  return own + variables + reading
}

/** Every value that nodes touch, and those that are kept. */
export function valuesOf(nodes: Schedule['nodes'], kept: Iterable<Value>): Value[] {
  const values = new Set<Value>()
  for (const node of nodes)
    for (const value of [...node.inputs, ...node.mutates, ...node.outputs, ...node.scratch]) values.add(value)
  for (const value of kept) values.add(value)
  return [...values]
}

/** Bytes of the parameters of all calls. */
export function paramsBytes(calls: readonly ScheduledCall[]): number {
  return Math.max(1, calls.length) * paramsAlignment
}

/** Bytes that a run reports. */
export function reportBytes(report: readonly Value[]): number {
  return sum(report.map(({ bytes }) => bytes))
}

/** What is needed, in words: rounded up. */
export function formatNeed(bytes: number): string {
  return `${rounded(bytes, Math.ceil)} MB`
}

/** A limit in words: rounded down, so that no need above it looks like it. */
export function formatLimit(bytes: number): string {
  return `${rounded(bytes, Math.floor)} MB`
}

function rounded(bytes: number, round: (value: number) => number): number {
  return bytes < 1e7 ? round(bytes / 1e5) / 10 : round(bytes / 1e6)
}

/** Buffers are whole vec4s. */
function padded(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
