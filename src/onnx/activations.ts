import type { Value } from '../graph/value.js'
import {
  abs,
  add,
  clamp,
  divide,
  elu,
  gelu,
  greater,
  leakyRelu,
  multiply,
  pow,
  relu,
  sigmoid,
  softplus,
  tanh,
  where,
} from '../ops/index.js'
import type { Operator } from './call.js'
import { unary } from './elementwise.js'

/** Activations, most of them composed of ops of ours; the equations are those of onnx/docs/Operators.md. */
export const activations: Readonly<Record<string, Operator>> = {
  Relu: unary(relu),
  LeakyRelu: unary((x, call) => leakyRelu(x, call.number('alpha', 0.01))),
  ThresholdedRelu: unary((x, call) => where(greater(x, call.number('alpha', 1)), x, 0)),
  Elu: unary((x, call) => elu(x, call.number('alpha', 1))),
  Selu: unary((x, call) => {
    const [alpha, gamma] = [call.number('alpha', 1.67326319217681), call.number('gamma', 1.0507009873554805)]
    return multiply(elu(x, alpha), gamma)
  }),
  Celu: unary((x, call) => {
    const alpha = call.number('alpha', 1)
    return multiply(elu(divide(x, alpha)), alpha)
  }),
  Gelu: unary((x, call) => {
    const approximate = call.text('approximate', 'none')
    if (approximate === 'tanh') return tanhGelu(x)
    return approximate === 'none' ? gelu(x) : call.refuse('approximate')
  }),
  Sigmoid: unary(sigmoid),
  HardSigmoid: unary((x, call) => hardSigmoid(x, call.number('alpha', 0.2), call.number('beta', 0.5))),
  HardSwish: unary((x) => multiply(x, hardSigmoid(x, 1 / 6, 0.5))),
  Tanh: unary(tanh),
  Softplus: unary(softplus),
  Softsign: unary((x) => divide(x, add(abs(x), 1))),
  Mish: unary((x) => multiply(x, tanh(softplus(x)))),
}

function hardSigmoid(x: Value, alpha: number, beta: number): Value {
  return clamp(add(multiply(x, alpha), beta), 0, 1)
}

/** GELU with a tanh in place of the distribution function (Hendrycks and Gimpel 2016). */
function tanhGelu(x: Value): Value {
  const inner = multiply(add(x, multiply(pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI))
  return multiply(multiply(x, add(tanh(inner), 1)), 0.5)
}
