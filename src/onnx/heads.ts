import { add, linear, matmul, multiply, transpose } from '../ops/index.js'
import type { Operator } from './call.js'
import { asFlat, tensorOf } from './tensor.js'

/** Products with matrices. */
export const heads: Readonly<Record<string, Operator>> = {
  Gemm: {
    weights: [1, 2],
    build: (call) => {
      const [a, b] = [asFlat(call.device(0)), asFlat(call.device(1))]
      const [alpha, beta] = [call.number('alpha', 1), call.number('beta', 1)]
      const input = call.number('transA', 0) ? transpose(a) : a
      const weight = call.number('transB', 0) ? b : transpose(b)
      const product = linear(input, weight)
      const scaled = alpha === 1 ? product : multiply(product, alpha)
      if (!call.optional(2)) return tensorOf(scaled)
      const bias = asFlat(call.device(2))
      return tensorOf(add(scaled, beta === 1 ? bias : multiply(bias, beta)))
    },
  },
  MatMul: {
    weights: [0, 1],
    build: (call) => {
      const [a, b] = [asFlat(call.device(0)), asFlat(call.device(1))]
      if (a.shape.length < 2 || b.shape.length < 2) return call.fail('products of vectors are not supported')
      // One matrix for all rows is a linear layer.
      return tensorOf(b.shape.length === 2 ? linear(a, transpose(b)) : matmul(a, b))
    },
  },
}
