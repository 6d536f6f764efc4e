/** What combines the numbers along axes. */
import { fromArray, type NdArray } from '../../reference/nd-array.js'
import { at, draw, floats, image, made, type Case } from './case.js'

/** Over the channels of the image, kept as an axis of 1. */
function overChannels(op: string, f: (numbers: number[]) => number): Case {
  return {
    op,
    attributes: { axes: [1] },
    x: image,
    expected: (x) => made([2, 1, 4, 6], ([n, , h, w]) => f([0, 1, 2, 3].map((c) => at(x, n!, c, h!, w!)))),
  }
}

const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
const squares = (numbers: readonly number[]): number => total(numbers.map((n) => n * n))

/** (x - mean) / sqrt(variance + 1e-5) of the numbers of a group. */
function standard(numbers: readonly number[], n: number): number {
  const mean = total(numbers) / numbers.length
  return (n - mean) / Math.sqrt(squares(numbers.map((m) => m - mean)) / numbers.length + 1e-5)
}

const [scale, bias] = [draw([4, 6], 0.5, 2), draw([4, 6])]
const [groupScale, groupBias] = [
  [0.5, 2],
  [1, -1],
]
const channelScale = [0.5, 2, 1, 3]

function grouped(x: NdArray, scaleOf: (c: number) => number, biasOf: (c: number) => number): NdArray {
  return made(x.shape, ([n, c, h, w]) => {
    const first = c! < 2 ? 0 : 2
    const group = made([2, 4, 6], ([k, ...place]) => at(x, n!, first + k!, ...place)).data
    return standard([...group], at(x, n!, c!, h!, w!)) * scaleOf(c!) + biasOf(c!)
  })
}

export const sums: readonly Case[] = [
  overChannels('ReduceL1', (numbers) => total(numbers.map(Math.abs))),
  overChannels('ReduceL2', (numbers) => Math.sqrt(squares(numbers))),
  overChannels('ReduceSumSquare', squares),
  overChannels('ReduceLogSumExp', (numbers) => Math.log(total(numbers.map(Math.exp)))),
  {
    op: 'LpNormalization',
    attributes: { axis: 1 },
    x: image,
    expected: (x) =>
      made(x.shape, ([n, c, h, w]) => {
        const norm = Math.sqrt(squares([0, 1, 2, 3].map((k) => at(x, n!, k, h!, w!))))
        return at(x, n!, c!, h!, w!) / norm
      }),
  },
  {
    op: 'LayerNormalization',
    attributes: { axis: 2 },
    constants: [floats('scale', [4, 6], scale.data), floats('bias', [4, 6], bias.data)],
    x: image,
    expected: (x) =>
      made(x.shape, ([n, c, h, w]) => {
        const plane = made([4, 6], ([i, j]) => at(x, n!, c!, i!, j!)).data
        return standard([...plane], at(x, n!, c!, h!, w!)) * at(scale, h!, w!) + at(bias, h!, w!)
      }),
  },
  {
    op: 'GroupNormalization',
    opset: 18,
    attributes: { num_groups: 2 },
    constants: [floats('scale', [2], groupScale), floats('bias', [2], groupBias)],
    x: image,
    expected: (x) =>
      grouped(
        x,
        (c) => groupScale[c >> 1]!,
        (c) => groupBias[c >> 1]!,
      ),
  },
  {
    op: 'GroupNormalization',
    opset: 21,
    attributes: { num_groups: 2 },
    constants: [floats('scale', [4], channelScale), floats('bias', [4], [0, 1, 2, 3])],
    x: image,
    expected: (x) =>
      grouped(
        x,
        (c) => channelScale[c]!,
        (c) => c,
      ),
  },
  {
    // The number of elements, as networks that flatten compute it.
    op: 'Reshape',
    before: [
      { op: 'Shape', name: 'shape', inputs: ['x'], output: 'dims' },
      { op: 'ReduceProd', name: 'size', inputs: ['dims'], output: 'size' },
    ],
    inputs: ['x', 'size'],
    x: draw([2, 3, 4]),
    expected: (x) => fromArray([24], x.data),
  },
  {
    op: 'Sum',
    constants: [floats('a', [6], [1, 2, 3, 4, 5, 6]), floats('b', [4, 1], [10, 20, 30, 40])],
    x: image,
    expected: (x) => made(x.shape, ([n, c, h, w]) => at(x, n!, c!, h!, w!) + w! + 1 + 10 * (h! + 1)),
  },
  {
    op: 'Max',
    constants: [floats('a', [4, 1, 1], [0, 1, 2, 3])],
    x: image,
    expected: (x) => made(x.shape, ([n, c, h, w]) => Math.max(at(x, n!, c!, h!, w!), c!)),
  },
]

const [table, square] = [draw([2, 7, 5]), draw([5, 5])]
export const einsums: readonly Case[] = (
  [
    [
      'bid,bjd->bij',
      table,
      [2, 4, 7],
      ([b, i, j], x) => total([0, 1, 2, 3, 4].map((d) => at(x, b!, i!, d) * at(table, b!, j!, d))),
    ],
    [
      'bid,bjd->jib',
      table,
      [7, 4, 2],
      ([j, i, b], x) => total([0, 1, 2, 3, 4].map((d) => at(x, b!, i!, d) * at(table, b!, j!, d))),
    ],
    [
      'bid,de->bie',
      square,
      [2, 4, 5],
      ([b, i, e], x) => total([0, 1, 2, 3, 4].map((d) => at(x, b!, i!, d) * at(square, d, e!))),
    ],
    [
      'bid,bjd->bd',
      table,
      [2, 5],
      ([b, d], x) =>
        total([0, 1, 2, 3].map((i) => at(x, b!, i, d!))) *
        total([0, 1, 2, 3, 4, 5, 6].map((j) => at(table, b!, j, d!))),
    ],
  ] satisfies [string, NdArray, number[], (place: number[], x: NdArray) => number][]
).map(([equation, operand, shape, f]) => ({
  op: 'Einsum',
  attributes: { equation },
  constants: [floats('w', operand.shape, operand.data)],
  x: draw([2, 4, 5]),
  expected: (x) => made(shape, (place) => f(place, x)),
}))
