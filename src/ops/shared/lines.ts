import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab, type Window } from '../../graph/window.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { axisOf, memoryAxes } from './axes.js'

/**
 * A value as [outer, length, inner] in its order of memory: `length` is the extent of one axis, and a line is the elements
 * that differ in the position along it only.
 */
export interface Lines {
  readonly outer: number
  readonly length: number
  readonly inner: number
  /** The planes by which the work on lines is cut; undefined if lines cross planes. */
  readonly planes: number | undefined
}

/** @throws Error if the value has no such axis */
export function linesAlong(op: string, value: Value, axis: number): Lines {
  const along = axisOf(op, value, axis)
  const order = memoryAxes(value.layout, value.shape.length)
  const at = order.indexOf(along)
  const product = (axes: readonly number[]) => axes.reduce((size, i) => size * value.shape[i]!, 1)
  return {
    outer: product(order.slice(0, at)),
    length: value.shape[along]!,
    inner: product(order.slice(at + 1)),
    planes: value.layout === 'volume' && at > 1 ? volumeShape(value).planes : undefined,
  }
}

/** Elements of some values that are worked on together: lines [first, end) of them, and their windows. */
export interface Batch<Name extends string> {
  readonly first: number
  readonly end: number
  readonly windows: Readonly<Record<Name, Window>>
}

/**
 * Cuts work on the lines of some values, all cut into the same planes, into slabs that the device can bind; or leaves it
 * whole, if lines cross planes.
 */
export function batches<Name extends string>(
  { outer, inner, planes }: Lines,
  values: Readonly<Record<Name, Value>>,
  device: DeviceTraits,
  range: Slab,
): Batch<Name>[] {
  const windows = (of: (value: Value) => Window) =>
    Object.fromEntries(
      (Object.entries(values) as [Name, Value][]).map(([name, value]) => [name, of(value)]),
    ) as Record<Name, Window>
  if (planes === undefined) return [{ first: 0, end: outer * inner, windows: windows(whole) }]
  const perPlane = (outer * inner) / planes
  const of = (slab: Slab) => windows((value) => planesOf(value, slab))
  return slabs(range, device, (slab) => Object.values(of(slab))).map((slab) => ({
    first: slab.first * perPlane,
    end: slab.end * perPlane,
    windows: of(slab),
  }))
}
