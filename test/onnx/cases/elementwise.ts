/** Functions of one number, comparisons and choices. */
import type { OnnxNode } from '../../../src/io/onnx.js'
import * as activation from '../../reference/activation.js'
import * as erf from '../../reference/erf.js'
import { map, type NdArray } from '../../reference/nd-array.js'
import { at, draw, floats, integers, made, volume, type Case } from './case.js'

const softplus = (n: number) => Math.log1p(Math.exp(n))

function each(
  op: string,
  f: (n: number) => number,
  attributes?: OnnxNode['attributes'],
  opset?: number,
): Case {
  const name = attributes ? { attributes } : {}
  return { op, ...name, ...(opset ? { opset } : {}), x: volume, expected: (x) => map(x, f) }
}

export const elementwise: readonly Case[] = [
  { op: 'Erf', x: volume, expected: erf.forward },
  { op: 'Gelu', opset: 20, x: volume, expected: (x) => activation.forward('gelu', x) },
  each('Gelu', tanhGelu, { approximate: 'tanh' }, 20),
  each('HardSigmoid', (n) => Math.min(Math.max(0.2 * n + 0.5, 0), 1)),
  each('HardSigmoid', (n) => Math.min(Math.max(0.5 * n - 0.25, 0), 1), {
    alpha: { float: 0.5 },
    beta: { float: -0.25 },
  }),
  each('HardSwish', (n) => n * Math.min(Math.max(n / 6 + 0.5, 0), 1)),
  each('Mish', (n) => n * Math.tanh(softplus(n)), undefined, 18),
  each('Softsign', (n) => n / (1 + Math.abs(n))),
  each('Selu', (n) => 1.0507009873554805 * (n > 0 ? n : 1.67326319217681 * Math.expm1(n))),
  each('Celu', (n) => Math.max(n, 0) + Math.min(0, 2 * Math.expm1(n / 2)), { alpha: { float: 2 } }),
  each('ThresholdedRelu', (n) => (n > 1.5 ? n : 0), { alpha: { float: 1.5 } }),
  each('Reciprocal', (n) => 1 / n),
  each('Sign', Math.sign),
]

function tanhGelu(n: number): number {
  return 0.5 * n * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (n + 0.044715 * n ** 3)))
}

const threshold = floats('t', [3, 1, 1, 1], [-1, 0, 1])
const other = draw([4, 1, 5], -1, 1)
const asNumbers: OnnxNode = { op: 'Cast', name: 'cast', inputs: ['y'], output: 'z', attributes: { to: 1 } }

export const masks: readonly Case[] = [
  ...(
    [
      ['Greater', (a, b) => a > b],
      ['GreaterOrEqual', (a, b) => a >= b],
      ['Less', (a, b) => a < b],
      ['LessOrEqual', (a, b) => a <= b],
      ['Equal', (a, b) => a === b],
    ] satisfies [string, (a: number, b: number) => boolean][]
  ).map(([op, f]) => ({
    op,
    constants: [threshold],
    after: asNumbers,
    // Whole numbers, some of which are equal.
    x: map(volume, Math.round),
    expected: (x: NdArray) =>
      made([1, 3, 4, 2, 5], (place) => Number(f(at(x, ...place), [-1, 0, 1][place[1]!]!))),
  })),
  ...(
    [
      ['And', (a, b) => a && b],
      ['Or', (a, b) => a || b],
      ['Xor', (a, b) => a !== b],
    ] satisfies [string, (a: boolean, b: boolean) => boolean][]
  ).map(([op, f]) => ({
    op,
    constants: [threshold, floats('zero', [], [0])],
    before: [
      { op: 'Greater', name: 'greater', inputs: ['x', 'zero'], output: 'a' },
      { op: 'Less', name: 'less', inputs: ['x', 't'], output: 'b' },
      { op: 'Not', name: 'not', inputs: ['b'], output: 'c' },
    ],
    inputs: ['a', 'c'],
    after: asNumbers,
    x: volume,
    expected: (x: NdArray) =>
      made([1, 3, 4, 2, 5], (place) => {
        const n = at(x, ...place)
        return Number(f(n > 0, n >= [-1, 0, 1][place[1]!]!))
      }),
  })),
  {
    op: 'Where',
    constants: [threshold, floats('other', other.shape, other.data)],
    before: [{ op: 'Greater', name: 'greater', inputs: ['x', 't'], output: 'mask' }],
    inputs: ['mask', 'x', 'other'],
    x: volume,
    expected: (x) =>
      made([1, 3, 4, 2, 5], (place) => {
        const n = at(x, ...place)
        return n > [-1, 0, 1][place[1]!]! ? n : at(other, place[2]!, 0, place[4]!)
      }),
  },
  {
    // As PyTorch writes x.expand(-1, 4, -1).
    op: 'Expand',
    constants: [
      integers('wanted', [3], [-1, 4, -1]),
      integers('ones', [3], [1, 1, 1]),
      integers('minus', [], [-1]),
    ],
    before: [
      { op: 'Mul', name: 'mul', inputs: ['ones', 'minus'], output: 'open' },
      { op: 'Equal', name: 'equal', inputs: ['wanted', 'open'], output: 'isOpen' },
      { op: 'Where', name: 'where', inputs: ['isOpen', 'ones', 'wanted'], output: 'shape' },
    ],
    inputs: ['x', 'shape'],
    x: draw([2, 1, 5]),
    expected: (x) => made([2, 4, 5], ([n, , k]) => at(x, n!, 0, k!)),
  },
]
