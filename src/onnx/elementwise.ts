import type { Shape, Value } from '../graph/value.js'
import {
  abs,
  add,
  clamp,
  cos,
  divide,
  elu,
  exp,
  gelu,
  leakyRelu,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  pow,
  relu,
  reshape,
  sigmoid,
  sin,
  softplus,
  sqrt,
  subtract,
  tanh,
} from '../ops/index.js'
import type { Call, Operator } from './call.js'
import { arithmetic, broadcastOf } from './known.js'
import { asFlat, isKnown, tensorOf, volumeDims, type DeviceTensor } from './tensor.js'

/** Operations that compute every number from those at the same place. */
export const elementwise: Readonly<Record<string, Operator>> = {
  Relu: unary(relu),
  LeakyRelu: unary((x, call) => leakyRelu(x, call.number('alpha', 0.01))),
  Elu: unary((x, call) => elu(x, call.number('alpha', 1))),
  Sigmoid: unary(sigmoid),
  Tanh: unary(tanh),
  Softplus: unary(softplus),
  Gelu: unary((x, call) => {
    call.expect('approximate', 'none')
    return gelu(x)
  }),
  Exp: unary(exp),
  Log: unary(log),
  Sqrt: unary(sqrt),
  Abs: unary(abs),
  Sin: unary(sin),
  Cos: unary(cos),
  Clip: unary((x, call) => {
    const limit = (index: number) => call.numbers(index, 'a limit')?.[0]
    return clamp(x, limit(1), limit(2))
  }),
  Neg: {
    build: (call) => {
      const x = call.input(0)
      return isKnown(x) ? { ...x, data: x.data.map((n) => -n) } : { ...x, value: negate(x.value) }
    },
  },
  PRelu: {
    weights: [1],
    build: (call) => {
      const [x, slope] = [call.device(0), call.device(1)]
      // max(x, 0) + slope min(x, 0)
      const low = { ...x, value: minimum(x.value, 0) }
      return { ...x, value: add(maximum(x.value, 0), broadcast(call, multiply, low, slope).value) }
    },
  },
  Add: binary(add, (a, b) => a + b),
  Sub: binary(subtract, (a, b) => a - b),
  Mul: binary(multiply, (a, b) => a * b),
  Div: binary(divide, (a, b, integers) => (integers ? Math.trunc(a / b) : a / b)),
  Mod: binary(undefined, (a, b) => ((a % b) + b) % b),
  Pow: {
    build: (call) => {
      const x = call.device(0)
      const exponent = call.numbers(1, 'the exponent')
      if (exponent?.length !== 1) return call.fail('exponents that differ are not supported')
      return { ...x, value: pow(x.value, exponent[0]!) }
    },
  },
  Min: binary(minimum, (a, b) => Math.min(a, b)),
  Max: binary(maximum, (a, b) => Math.max(a, b)),
}

function unary(f: (x: Value, call: Call) => Value): Operator {
  return {
    build: (call) => {
      const { dims, value } = call.device(0)
      return { dims, value: f(value, call) }
    },
  }
}

type Arithmetic = (a: Value, b: Value) => Value

/** @param f on the device, if it is there @param g of numbers that are known */
function binary(f: Arithmetic | undefined, g: (a: number, b: number, integers: boolean) => number): Operator {
  return {
    weights: [0, 1],
    build: (call) => {
      if (call.count !== 2) call.fail(`${call.count} operands are not supported`)
      const [a, b] = [call.input(0), call.input(1)]
      if (isKnown(a) && isKnown(b)) return arithmetic(call, a, b, g)
      if (!f) return call.fail('it is only supported for sizes')
      return broadcast(call, f, call.device(0), call.device(1))
    },
  }
}

/** Axes are matched from the last one, as in NumPy. */
export function broadcast(call: Call, f: Arithmetic, a: DeviceTensor, b: DeviceTensor): DeviceTensor {
  const { a: of, b: to, dims } = broadcastOf(call, a.dims, b.dims)
  if (a.value.layout === 'flat' && b.value.layout === 'flat') return tensorOf(f(asFlat(a), asFlat(b)), dims)
  const operand = ({ value }: DeviceTensor, extents: Shape) =>
    value.layout === 'volume' ? value : reshape(value, volumeDims(extents), { layout: 'flat' })
  // A volume of fewer axes than the other operand lies at other axes of its own volume.
  if ([a, b].some((side) => side.value.layout === 'volume' && side.dims.length < dims.length))
    return tensorOf(f(asFlat(a), asFlat(b)), dims)
  return tensorOf(f(operand(a, of), operand(b, to)), dims)
}
