import {
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  multiply,
  notEqual,
  where,
} from '../ops/index.js'
import type { Operator } from './call.js'
import { binary, broadcast, isNoSetting } from './elementwise.js'
import { arithmetic } from './known.js'
import { isKnown } from './tensor.js'

/** Comparisons, and what is done with truth values: 0 and 1, as numbers. */
export const masks: Readonly<Record<string, Operator>> = {
  Equal: truth(binary(equal, (a, b) => Number(a === b))),
  Greater: truth(binary(greater, (a, b) => Number(a > b))),
  GreaterOrEqual: truth(binary(greaterEqual, (a, b) => Number(a >= b))),
  Less: truth(binary(less, (a, b) => Number(a < b))),
  LessOrEqual: truth(binary(lessEqual, (a, b) => Number(a <= b))),
  And: truth(binary(multiply, (a, b) => a * b)),
  Or: truth(binary(maximum, (a, b) => Math.max(a, b))),
  Xor: truth(binary(notEqual, (a, b) => Number(a !== b))),
  Not: truth({
    build: (call) => {
      const x = call.input(0)
      return isKnown(x)
        ? { ...x, data: x.data.map((n) => Number(n === 0)) }
        : { ...x, value: equal(x.value, 0) }
    },
  }),
  Where: {
    weights: [1, 2],
    isWeight: isNoSetting,
    build: (call) => {
      const [mask, a, b] = [call.input(0), call.input(1), call.input(2)]
      if (!isKnown(mask) || !isKnown(a) || !isKnown(b))
        return broadcast(call, where, call.device(0), call.device(1), call.device(2))
      // Nothing is known to be NaN times 0: what is not chosen is 0 before it is added.
      const chosen = arithmetic(call, a, mask, (n, of) => (of === 0 ? 0 : n))
      const others = arithmetic(call, b, mask, (n, of) => (of === 0 ? n : 0))
      return arithmetic(call, chosen, others, (n, m) => n + m)
    },
  },
}

/** Truth values that are known are whole numbers, whatever was compared. What is compared is not trained. */
function truth({ build }: Operator): Operator {
  return {
    build: (call) => {
      const result = build(call)
      if (!('dims' in result) || !isKnown(result)) return result
      return { ...result, integer: true, data: Float64Array.from(result.data) }
    },
  }
}
