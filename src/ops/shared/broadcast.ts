import { elementwise, elementwisePlanes } from '../../graph/elementwise.js'
import type { KernelCall, Work } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import type { Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { fiveExtents, axisParams, samePlanes, strides, windowFor, type Form } from './axes.js'

/** The constants of shaders/arithmetic/forward.wgsl, in lower case. */
export type Kind = 'add' | 'subtract' | 'multiply' | 'divide'

/** A value, possibly viewed with another shape of as many elements. */
interface View extends Form {
  readonly value: Value
}

export type Side = View | number

/**
 * The shape that two values have together, by the rules of NumPy and PyTorch: axes are matched from the last on, and an
 * extent of 1 (or none) is repeated. A volume with something flat is a volume.
 *
 * @throws Error if extents differ and neither is 1, or there are more than five axes
 */
export function broadcastForm(op: string, a: Value, b: Value): Form {
  const [of, to] = [fiveExtents(op, a.shape), fiveExtents(op, b.shape)]
  const extents = of.map((extent, axis) => {
    const other = to[axis]!
    if (extent !== other && extent !== 1 && other !== 1)
      throw new Error(
        `${op}: ${a.name} [${a.shape.join(', ')}] and ${b.name} [${b.shape.join(', ')}] cannot be broadcast to one shape`,
      )
    return Math.max(extent, other)
  })
  const layout = a.layout === 'volume' || b.layout === 'volume' ? 'volume' : 'flat'
  return { shape: extents.slice(-Math.max(a.shape.length, b.shape.length)), layout }
}

/** The node's output for two operands, at least one of them a value, repeated to `form`. Without a gradient. */
export function broadcast(name: string, kind: Kind, a: Side, b: Side, form: Form, wide = false): Value {
  return op({
    name,
    inputs: { a: valueOf(a), b: valueOf(b) },
    output: { ...form, wide: wide || undefined },
    ...broadcastWork(kind, a, b, form),
  })
}

const valueOf = (side: Side): Value | undefined => (typeof side === 'number' ? undefined : side.value)

/** The work of a broadcast, and how it is cut along depth. */
export function broadcastWork(kind: Kind, a: Side, b: Side, form: Form): Work<Value> {
  return {
    planes: form.layout === 'volume' ? form.shape[0]! * form.shape[2]! : 1,
    reads: (input, slab) => (samePlanes(input, form) ? slab : undefined),
    emit: (output, device, slab) => calls(kind, a, b, output, device, slab),
  }
}

function calls(kind: Kind, a: Side, b: Side, output: Value, device: DeviceTraits, range: Slab): KernelCall[] {
  const views = Object.entries({ a, b }).filter(
    (entry): entry is [string, View] => typeof entry[1] !== 'number',
  )
  const repeated = views.some(([, view]) => view.layout !== output.layout || view.value.size !== output.size)
  const kernel = {
    shader: shaders.arithmeticForward,
    consts: { KIND: kind.toUpperCase() },
    flags: {
      BROADCAST: repeated,
      NUMBER_LEFT: typeof a === 'number',
      NUMBER_RIGHT: typeof b === 'number',
    },
  }
  const params = {
    number: typeof a === 'number' ? a : typeof b === 'number' ? b : 0,
    // An operand that is not bound has no start.
    ...(typeof a === 'number' ? { a_base: 0 } : {}),
    ...(typeof b === 'number' ? { b_base: 0 } : {}),
  }
  if (!repeated) {
    const values = Object.fromEntries(views.map(([name, { value }]) => [name, value]))
    return elementwise({ ...kernel, params, values: { ...values, output } }, device, range)
  }

  const { layout } = output
  const walk = (name: string, side: Side) =>
    axisParams(`${name}_stride`, typeof side === 'number' ? [0, 0, 0, 0, 0] : strides(kind, side), layout)
  const walked = {
    ...axisParams('extent', fiveExtents(kind, output.shape), layout, 1),
    ...walk('a', a),
    ...walk('b', b),
  }
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
      params: { ...params, ...walked, first: slab.first * planeSize, count },
      bindings: windows(slab),
      threads: [count],
    }
  })
}

/** A value as it is. */
export function view(value: Value): View {
  return { value, shape: value.shape, layout: value.layout }
}

/** @throws Error if a value holds labels */
export function requireNumbers(op: string, value: Value): void {
  if (value.dtype !== 'f32') throw new Error(`${op}: ${value.name} holds ${value.dtype}, not f32`)
}
