import type { Layout, Shape, Value } from '../../graph/value.js'
import { planesOf, whole, type Slab, type Window } from '../../graph/window.js'

/** The shape of a value and its order in memory, or those it is viewed with. */
export interface Form {
  readonly shape: Shape
  readonly layout: Layout
}

/** Kernels walk five axes; shorter shapes get extents of 1 before theirs. */
const rank = 5

/** The axes of a layout, outermost in memory first: a volume is stored as [N, D, C, H, W]. */
export function memoryAxes(layout: Layout, axes = rank): readonly number[] {
  return layout === 'volume' ? [0, 2, 1, 3, 4] : [...Array(axes).keys()]
}

/** The elements from one position to the next along each axis of a form of any rank. */
export function stridesOf({ shape, layout }: Form): number[] {
  const result = [...shape]
  let size = 1
  for (const axis of [...memoryAxes(layout, shape.length)].reverse()) {
    result[axis] = size
    size *= shape[axis]!
  }
  return result
}

/**
 * An axis counted from the first one.
 *
 * @param axis negative to count from the last one
 * @throws Error if the value has no such axis
 */
export function axisOf(op: string, { name, shape }: Pick<Value, 'name' | 'shape'>, axis: number): number {
  const axes = shape.length
  if (!Number.isInteger(axis) || axis < -axes || axis >= axes)
    throw new Error(`${op}: ${name} [${shape.join(', ')}] has no axis ${axis}`)
  return axis < 0 ? axis + axes : axis
}

/** Which axes a reduction combines. */
export interface AxesOptions {
  /** Axes of the shape, [N, C, D, H, W] for a volume; negative ones count from the last. Default: all. */
  readonly axes?: readonly number[]
  /** Whether to keep these axes with an extent of 1, so that a volume stays a volume. Default false. */
  readonly keepDims?: boolean
}

/** @throws Error if these are not such options: a number or a list would silently mean all axes */
export function requireAxesOptions(op: string, options: AxesOptions): void {
  const strange =
    typeof options === 'object' && !Array.isArray(options)
      ? Object.keys(options).find((key) => key !== 'axes' && key !== 'keepDims')
      : String(options)
  if (strange !== undefined) throw new Error(`${op}: give { axes: [...], keepDims }, not ${strange}`)
}

/**
 * The shape with 1 on the axes that are combined, and the form of the result.
 *
 * @throws Error if an axis does not exist or is named twice, or an option does not exist
 */
export function keptForm(
  op: string,
  value: Value,
  options: AxesOptions,
): { readonly kept: Shape; readonly form: Form } {
  requireAxesOptions(op, options)
  const { axes, keepDims = false } = options
  const combined = axes ? distinctAxes(op, value, axes) : new Set(value.shape.keys())
  const kept = value.shape.map((extent, axis) => (combined.has(axis) ? 1 : extent))
  const rest = value.shape.filter((_, axis) => !combined.has(axis))
  const form: Form = keepDims
    ? { shape: kept, layout: value.layout }
    : { shape: rest.length > 0 ? rest : [1], layout: 'flat' }
  return { kept, form }
}

function distinctAxes(op: string, value: Value, axes: readonly number[]): ReadonlySet<number> {
  const found = new Set<number>()
  for (const axis of axes) {
    const counted = axisOf(op, value, axis)
    if (found.has(counted)) throw new Error(`${op}: axis ${axis} is named twice`)
    found.add(counted)
  }
  return found
}

/** A shape as five extents, those of missing axes 1. @throws Error if it has more axes than kernels walk */
export function fiveExtents(op: string, shape: Shape): number[] {
  if (shape.length > rank) throw new Error(`${op}: [${shape.join(', ')}] has more than ${rank} axes`)
  return [...Array<number>(rank - shape.length).fill(1), ...shape]
}

/** The stride of each of five axes, in elements; 0 along axes of extent 1. */
export function strides(op: string, { shape, layout }: Form): number[] {
  const extents = fiveExtents(op, shape)
  return stridesOf({ shape: extents, layout }).map((stride, axis) => (extents[axis]! > 1 ? stride : 0))
}

/** The parameters NAME0 to NAME4 for five numbers, those of axes in the order of a layout; from NAME1 without the first. */
export function axisParams(
  name: string,
  numbers: readonly number[],
  layout: Layout,
  from = 0,
): Record<string, number> {
  return Object.fromEntries(
    memoryAxes(layout)
      .map((axis, i) => [`${name}${i}`, numbers[axis]!] as const)
      .slice(from),
  )
}

/** Whether two volumes are cut into the same planes. */
export function samePlanes(a: Form, b: Form): boolean {
  return (
    a.layout === 'volume' && b.layout === 'volume' && a.shape[0] === b.shape[0] && a.shape[2] === b.shape[2]
  )
}

/** The part of a value that work on some planes of `output` reads: the same planes if it has them, else all of it. */
export function windowFor(value: Value, output: Form, slab: Slab): Window {
  return samePlanes(value, output) ? planesOf(value, slab) : whole(value)
}
