import { planeSize, type Value } from '../graph/value.js'
import type { Slab, Window } from '../graph/window.js'
import type { Plan } from './plan.js'
import type { Dispatch } from './dispatch.js'
import type { DispatchTime } from './profile.js'
import type { Schedule } from './schedule.js'

/** One dispatch of a plan, or the same dispatch of all slabs together (see `mergeSlabs`). */
export interface DispatchRow {
  /** Name of the op (`OpNode.op`); `slide` for the moves within strips that a sweep adds. */
  readonly op: string
  /** The layer whose weights the op reads or updates, or whose gradient it computes: `encoder.block3`, say. */
  readonly layer: string | undefined
  /** Name of the shader. */
  readonly kernel: string
  /** The values that the kernel reads, in the order of its bindings. */
  readonly inputs: readonly Value[]
  /** The values that it writes or updates in place, scratch included. */
  readonly outputs: readonly Value[]
  /**
   * The buffer of the plan's pool that holds the first output, counted from 0; the values in a slot take turns.
   * Undefined if the output has its own buffer, as variables do.
   */
  readonly slot: number | undefined
  /** Device memory of the outputs, in bytes; for the strips of a sweep, only the planes that exist at a time. */
  readonly bytes: number
  /** Planes n*D+z of the output that it computes; undefined for all of them. */
  readonly slab: Slab | undefined
  /** Dispatches in this row: 1 unless rows were merged. */
  readonly dispatches: number
  /** Workgroups of the first dispatch, along x, y and z. */
  readonly workgroups: readonly [number, number, number]
  /** Time on the device; undefined without `times`. */
  readonly milliseconds: number | undefined
}

/**
 * What a plan runs: a row per dispatch, in order.
 *
 * @param times what `plan.profile()` returned, to fill in the milliseconds
 * @throws Error if `times` has another number of dispatches than the plan
 *
 * @example
 * console.log(formatPlan(describe(plan, await plan.profile())))
 */
export function describe({ dispatches, schedule }: Plan, times?: readonly DispatchTime[]): DispatchRow[] {
  if (times && times.length !== dispatches.length)
    throw new Error(`describe: ${times.length} times given for ${dispatches.length} dispatches`)
  return dispatches.map((dispatch, i) => {
    const { inputs, outputs } = windowsOf(dispatch)
    return {
      op: dispatch.op,
      layer: dispatch.call.layer,
      kernel: dispatch.shader,
      inputs: inputs.map(({ value }) => value),
      outputs: outputs.map(({ value }) => value),
      slot: outputs[0] && schedule.memory.slotOf.get(outputs[0].value),
      bytes: outputs.reduce((sum, { value }) => sum + storedBytes(value, schedule), 0),
      slab: (outputs[0] && planesShown(outputs[0])) ?? dispatch.call.slab,
      dispatches: 1,
      workgroups: dispatch.workgroups,
      milliseconds: times && times[i]!.seconds * 1000,
    }
  })
}

/** Merges rows that differ only in their slab: sums their times and keeps the workgroups of the first. */
export function mergeSlabs(rows: readonly DispatchRow[]): DispatchRow[] {
  const merged = new Map<string, DispatchRow>()
  for (const row of rows) {
    const key = [row.op, row.kernel, ...row.inputs, '->', ...row.outputs].map(String).join(' ')
    const before = merged.get(key)
    merged.set(
      key,
      before
        ? {
            ...before,
            slab: undefined,
            dispatches: before.dispatches + row.dispatches,
            milliseconds:
              row.milliseconds === undefined ? undefined : row.milliseconds + (before.milliseconds ?? 0),
          }
        : row,
    )
  }
  return [...merged.values()]
}

function windowsOf({ call, bindings }: Dispatch): { inputs: Window[]; outputs: Window[] } {
  const shown = bindings.filter(({ name }) => name !== 'params')
  const windows = (written: boolean) =>
    shown.filter(({ type }) => (type === 'storage') === written).map(({ name }) => call.bindings[name]!)
  return { inputs: windows(false), outputs: windows(true) }
}

function storedBytes(value: Value, { sweeps, stored }: Schedule): number {
  const planes = sweeps.find(({ strips }) => strips.has(value))?.strips.get(value)
  return planes === undefined ? stored.bytes(value) : planes * planeSize(value) * stored.elementBytes(value)
}

/** The planes of a window of a volume, if they are not all. */
function planesShown({ value, start, end }: Window): Slab | undefined {
  if (value.layout !== 'volume' || end - start === value.size) return undefined
  const size = planeSize(value)
  return { first: Math.floor(start / size), end: Math.ceil(end / size) }
}

/** The rows as a text table: a line per row, and a last line with the totals. */
export function formatPlan(rows: readonly DispatchRow[]): string {
  const total = rows.reduce((sum, { milliseconds = 0 }) => sum + milliseconds, 0)
  const timed = rows.some(({ milliseconds }) => milliseconds !== undefined)
  const heads = ['op', 'layer', 'kernel', 'inputs -> outputs', 'slot', 'MB', 'slab', 'dispatches', 'groups']
  const cells = rows.map((row) => [
    row.op,
    row.layer ?? '',
    row.kernel,
    `${row.inputs.map(({ id, shape }) => `#${id}[${shape.join(',')}]`).join(' ')} -> ${row.outputs.join(' ')}`,
    row.slot === undefined ? '' : String(row.slot),
    (row.bytes / 1e6).toFixed(3),
    row.slab ? `${row.slab.first}..${row.slab.end}` : '',
    String(row.dispatches),
    row.workgroups.join('x'),
    ...(timed ? [format(row.milliseconds), ((100 * (row.milliseconds ?? 0)) / total).toFixed(1)] : []),
  ])
  const lines = [timed ? [...heads, 'ms', '%'] : heads, ...cells]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const text = lines.map((line) =>
    line
      // Text is left-aligned, numbers (from `slot` on) right-aligned.
      .map((cell, column) => (column < 4 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
  const count = rows.reduce((sum, { dispatches }) => sum + dispatches, 0)
  return [...text, `${count} dispatches${timed ? `, ${format(total)} ms` : ''}`].join('\n')
}

function format(milliseconds = 0): string {
  return milliseconds.toFixed(3)
}
