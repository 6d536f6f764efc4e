import * as shaders from '../generated/shaders.js'
import type { DeviceTraits } from '../gpu/traits.js'
import type { KernelCall } from '../graph/node.js'
import { planeSize, type Value } from '../graph/value.js'
import { slabs, type Slab } from '../graph/window.js'
import { callsOf, labelled, type Labelled, type ScheduledCall } from './calls.js'
import type { Schedule } from './schedule.js'
import type { Stored } from './storage.js'
import type { Sweep, SweepSlab } from './sweep.js'

/** The calls of a schedule that may have sweeps, in their order. */
export function sweepCalls({ nodes, sweeps, stored }: Schedule, device: DeviceTraits): ScheduledCall[] {
  const starts = new Map(sweeps.map((sweep) => [sweep.nodes[0], sweep]))
  const members = new Set(sweeps.flatMap((sweep) => sweep.nodes))
  return nodes.flatMap((node) => {
    const sweep = starts.get(node)
    if (sweep) return callsOfSweep(sweep, stored, device)
    return members.has(node) ? [] : callsOf([node], stored, device)
  })
}

function callsOfSweep(sweep: Sweep, stored: Stored, device: DeviceTraits): ScheduledCall[] {
  // What each strip held last: a coarse one may have nothing to do in some slabs.
  let latest: SweepSlab['held'] = new Map<Value, Slab>()
  return [
    ...sweep.slabs.flatMap(({ ranges, held }) => {
      const origins = originsOf(held)
      const before = latest
      latest = new Map([...before, ...held])
      return [
        ...[...sweep.sliding].flatMap((value) =>
          labelled(
            slide,
            stored,
            () => slideCalls(value, before.get(value), held.get(value), device),
            originsOf(before),
          ),
        ),
        ...[...ranges].flatMap(([node, slab]) =>
          labelled(node, stored, () => node.slices!.emit(device, slab), origins, slab),
        ),
      ]
    }),
    ...sweep.nodes.flatMap((node) => labelled(node, stored, () => node.slices!.finish(device))),
  ]
}

const slide: Labelled = { op: 'slide', mutates: [], inputs: [] }

/** The first element of each strip. */
function originsOf(held: SweepSlab['held']): ReadonlyMap<Value, number> {
  return new Map([...held].map(([value, { first }]) => [value, first * planeSize(value)]))
}

/** Moves the planes to keep to the front of a sliding strip, piece by piece, because source and target may overlap. */
function slideCalls(
  value: Value,
  before: Slab | undefined,
  after: Slab | undefined,
  device: DeviceTraits,
): KernelCall[] {
  if (!before || !after || after.first === before.first) return []
  const by = after.first - before.first
  const size = planeSize(value)
  const window = (first: number, end: number) => ({ value, start: first * size, end: end * size })
  const vector = size % 4 === 0
  const step = vector ? 4 : 1
  const calls: KernelCall[] = []
  // One plane less than the distance, so that the aligned windows of source and target do not touch.
  for (let first = before.first; first + by < before.end; first += by - 1) {
    const end = Math.min(first + by - 1, before.end - by)
    for (const slab of slabs({ first, end }, device, (part) => [window(part.first, part.end)])) {
      const count = ((slab.end - slab.first) * size) / step
      calls.push({
        shader: shaders.elementwiseMove,
        flags: { VECTOR: vector, UNSIGNED: value.dtype === 'u32' },
        params: { first: (slab.first * size) / step, by: (by * size) / step, count },
        bindings: {
          source: window(slab.first + by, slab.end + by),
          output: window(slab.first, slab.end),
        },
        threads: [count],
      })
    }
  }
  return calls
}
