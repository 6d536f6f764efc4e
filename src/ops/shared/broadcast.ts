import { elementwise, elementwisePlanes } from '../../graph/elementwise.js'
import type { KernelCall, Work } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import type { Specialisation } from '../../gpu/shader.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { requireValue, type Shape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { sumAxes } from '../sum-axes.js'
import { fiveExtents, axisParams, samePlanes, strides, windowFor, type Form } from './axes.js'

/** The constants of shaders/arithmetic/forward.wgsl, in lower case. */
export type Kind =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'minimum'
  | 'maximum'
  | 'equal'
  | 'not_equal'
  | 'greater'
  | 'greater_equal'
  | 'share_of_maximum'

/** A value, possibly viewed with another shape of as many elements. */
interface View extends Form {
  readonly value: Value
}

export type Side = View | number

/** A form, with a name for messages if it is a value's. */
interface Named extends Form {
  readonly name?: string
}

/** The operands of a broadcast, by the names of their bindings. */
interface Operands {
  /** Values, or numbers: the shader has a flag NAME_NUMBER and a parameter name_number for each. */
  readonly sides: Readonly<Record<string, Side>>
  /** Operands that cannot be numbers. Default: none. */
  readonly values?: Readonly<Record<string, View>>
}

/**
 * The shape that two shapes have together, by the rules of NumPy and PyTorch: axes are matched from the last on, and an
 * extent of 1 (or none) is repeated.
 *
 * @returns undefined if extents differ and neither is 1
 */
export function broadcastShape(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length)
  const shape = Array.from({ length: rank }, (_, i) => {
    const [n = 1, m = 1] = [a.at(i - rank), b.at(i - rank)]
    return n === m || m === 1 ? n : n === 1 ? m : 0
  })
  return shape.includes(0) ? undefined : shape
}

/**
 * The form that two values have together. A volume with something flat is a volume.
 *
 * @throws Error if they have no shape together, or more than five axes
 */
function broadcastForm(op: string, a: Named, b: Named): Form {
  const shape = broadcastShape(a.shape, b.shape)
  if (!shape) throw new Error(`${op}: ${described(a)} and ${described(b)} cannot be broadcast to one shape`)
  fiveExtents(op, shape)
  return { shape, layout: a.layout === 'volume' || b.layout === 'volume' ? 'volume' : 'flat' }
}

const described = ({ name, shape }: Named): string =>
  `${name === undefined ? '' : `${name} `}[${shape.join(', ')}]`

/** `broadcastForm` of any number of values, at least one. */
export function broadcastAll(op: string, [first, ...others]: readonly Value[]): Form {
  return others.reduce<Form>((form, value) => broadcastForm(op, form, value), first!)
}

/** Two operands, at least one of them a value, repeated to `form` and combined. Without a gradient. */
export function broadcast(name: string, kind: Kind, a: Side, b: Side, form: Form, wide = false): Value {
  return op({
    name,
    inputs: { a: valueOf(a), b: valueOf(b) },
    output: { ...form, wide: wide || undefined },
    ...broadcastWork(arithmetic(kind), { sides: { a, b } }, form),
  })
}

const valueOf = (side: Side): Value | undefined => (typeof side === 'number' ? undefined : side.value)

/** The kernel of an arithmetic op. */
export function arithmetic(kind: Kind): Specialisation {
  return { shader: shaders.arithmeticForward, consts: { KIND: kind.toUpperCase() } }
}

/** The work of an element-wise kernel on operands repeated to `form`, and how it is cut along depth. */
export function broadcastWork(kernel: Specialisation, operands: Operands, form: Form): Work<Value> {
  return {
    planes: form.layout === 'volume' ? form.shape[0]! * form.shape[2]! : 1,
    reads: (input, slab) => (samePlanes(input, form) ? slab : undefined),
    emit: (output, device, slab) => calls(kernel, operands, output, device, slab),
  }
}

function calls(
  { shader, consts = {} }: Specialisation,
  { sides, values = {} }: Operands,
  output: Value,
  device: DeviceTraits,
  range: Slab,
): KernelCall[] {
  const views = Object.entries({ ...values, ...sides }).filter(
    (entry): entry is [string, View] => typeof entry[1] !== 'number',
  )
  const repeated = views.some(([, view]) => view.layout !== output.layout || view.value.size !== output.size)
  const kernel = { shader, consts, flags: { BROADCAST: repeated } as Record<string, boolean> }
  const params: Record<string, number> = {}
  for (const [name, side] of Object.entries(sides)) {
    const isNumber = typeof side === 'number'
    kernel.flags[`${name.toUpperCase()}_NUMBER`] = isNumber
    params[`${name}_number`] = isNumber ? side : 0
    // An operand that is not bound has no start.
    if (isNumber) params[`${name}_base`] = 0
  }
  if (!repeated) {
    const bound = Object.fromEntries(views.map(([name, { value }]) => [name, value]))
    return elementwise({ ...kernel, params, values: { ...bound, output } }, device, range)
  }

  const { layout } = output
  const walked = Object.entries({ ...values, ...sides }).map(([name, side]) => {
    const steps = typeof side === 'number' ? [0, 0, 0, 0, 0] : strides(shader.name, side)
    return axisParams(`${name}_stride`, steps, layout)
  })
  Object.assign(params, axisParams('extent', fiveExtents(shader.name, output.shape), layout, 1), ...walked)
  const windows = (slab: Slab) => ({
    ...Object.fromEntries(views.map(([name, { value }]) => [name, windowFor(value, output, slab)])),
    output: layout === 'volume' ? planesOf(output, slab) : whole(output),
  })
  const planeSize = output.size / elementwisePlanes(output)
  // A value that is not cut is bound whole; binding fails if it is too large for the device.
  const cut = (slab: Slab) =>
    layout === 'volume' ? Object.values(windows(slab)).filter(({ value }) => samePlanes(value, output)) : []
  return slabs(range, device, cut).map((slab) => {
    const count = (slab.end - slab.first) * planeSize
    return {
      ...kernel,
      flags: { ...kernel.flags, VECTOR: false },
      params: { ...params, first: slab.first * planeSize, count },
      bindings: windows(slab),
      threads: [count],
    }
  })
}

/** A gradient summed over the axes along which `operand` was repeated; undefined for a number. */
export function sumTo(name: string, grad: Value, operand: Value | number): Value | undefined {
  if (typeof operand === 'number') return undefined
  const { shape, layout } = operand
  const same = grad.layout === layout && grad.shape.join() === shape.join()
  return same ? grad : sumAxes(name, grad, shape, { shape, layout })
}

/** A value as it is. */
export function view(value: Value): View {
  return { value, shape: value.shape, layout: value.layout }
}

/** @throws Error if an operand is not a value, or holds labels. @param operand its name in the message */
export function requireNumbers(op: string, value: Value, operand = 'input'): void {
  requireValue(`${op}: ${operand}`, value)
  if (value.dtype !== 'f32') throw new Error(`${op}: ${value.name} holds ${value.dtype}, not f32`)
}

/** Requires that operands be numbers or values of numbers. @throws Error naming the op and the operand if one is neither */
export function requireOperands(op: string, operands: Readonly<Record<string, Value | number>>): void {
  for (const [name, operand] of Object.entries(operands))
    if (typeof operand !== 'number') requireNumbers(op, operand, name)
}

/** Whether an operand is a number that may bring a value near the limits of f16, 6e-5 and 65504. */
export function isWideNumber(operand: Value | number): boolean {
  return (
    typeof operand === 'number' && operand !== 0 && (Math.abs(operand) > 1000 || Math.abs(operand) < 1e-3)
  )
}
