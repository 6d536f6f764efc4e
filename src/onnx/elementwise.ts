import type { Value } from '../graph/value.js'
import {
  abs,
  add,
  clamp,
  cos,
  divide,
  erf,
  exp,
  greater,
  less,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  pow,
  reshape,
  sin,
  sqrt,
  subtract,
} from '../ops/index.js'
import type { OnnxConstant } from '../io/onnx-read.js'
import type { Call, Operator } from './call.js'
import { arithmetic, broadcastOf } from './known.js'
import { asFlat, isKnown, onDevice, tensorOf, volumeDims, type DeviceTensor, type Tensor } from './tensor.js'

/** Operations that compute every number from those at the same place. */
export const elementwise: Readonly<Record<string, Operator>> = {
  Exp: unary(exp),
  Log: unary(log),
  Sqrt: unary(sqrt),
  Erf: unary(erf),
  Reciprocal: unary((x) => divide(1, x)),
  Sign: unary((x) => subtract(greater(x, 0), less(x, 0))),
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
  Min: binary(minimum, (a, b) => Math.min(a, b), true),
  Max: binary(maximum, (a, b) => Math.max(a, b), true),
  Sum: binary(add, (a, b) => a + b, true),
}

export function unary(f: (x: Value, call: Call) => Value): Operator {
  return {
    build: (call) => {
      const { dims, value } = call.device(0)
      return { dims, value: f(value, call) }
    },
  }
}

/** A single number of arithmetic is a setting, not a weight: a scale, an epsilon. */
export function isNoSetting({ data }: OnnxConstant): boolean {
  return data.length !== 1
}

type Arithmetic = (a: Value, b: Value) => Value

/**
 * @param f on the device, if it is there
 * @param g of numbers that are known
 * @param variadic whether there may be any number of operands; else there are two
 */
export function binary(
  f: Arithmetic | undefined,
  g: (a: number, b: number, integers: boolean) => number,
  variadic = false,
): Operator {
  return {
    weights: [0, 1],
    isWeight: isNoSetting,
    build: (call) => {
      if (!variadic && call.count !== 2) call.fail(`${call.count} operands are not supported`)
      const operands = Array.from({ length: call.count }, (_, i) => call.input(i))
      const deviceOf = (x: Tensor, i: number) =>
        isKnown(x) ? onDevice(call.operation.inputs[i] ?? call.operation.name, x) : x
      return operands.reduce((a, b, i) => {
        if (isKnown(a) && isKnown(b)) return arithmetic(call, a, b, g)
        if (!f) return call.fail('it is only supported for sizes')
        return broadcast(call, f, deviceOf(a, i - 1), deviceOf(b, i))
      })
    },
  }
}

/** A function of operands whose axes are matched from the last one, as in NumPy. */
export function broadcast(
  call: Call,
  f: (...operands: [Value, Value, Value]) => Value,
  ...operands: DeviceTensor[]
): DeviceTensor {
  const dims = operands.map((operand) => operand.dims).reduce((a, b) => broadcastOf(call, a, b))
  const volumes = operands.filter(({ value }) => value.layout === 'volume')
  // A volume of fewer axes than another operand lies at other axes of its own volume.
  const flat = volumes.length === 0 || volumes.some((volume) => volume.dims.length < dims.length)
  const values = operands.map((operand) => {
    if (flat) return asFlat(operand)
    if (operand.value.layout === 'volume') return operand.value
    const ones = Array<number>(dims.length - operand.dims.length).fill(1)
    return reshape(operand.value, volumeDims([...ones, ...operand.dims]), { layout: 'flat' })
  })
  return tensorOf(f(...(values as [Value, Value, Value])), dims)
}
