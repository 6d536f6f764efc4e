/** What repeats or moves numbers. */
import { at, draw, image, integers, made, volume, type Case } from './case.js'

export const moves: readonly Case[] = [
  {
    op: 'Expand',
    constants: [integers('shape', [5], [2, 1, 4, 1, 1])],
    x: draw([1, 3, 1, 2, 5]),
    expected: (x) => made([2, 3, 4, 2, 5], ([, c, , h, w]) => at(x, 0, c!, 0, h!, w!)),
  },
  {
    op: 'Tile',
    constants: [integers('repeats', [4], [1, 2, 1, 3])],
    x: image,
    expected: (x) => made([2, 8, 4, 18], ([n, c, h, w]) => at(x, n!, c! % 4, h!, w! % 6)),
  },
  {
    op: 'DepthToSpace',
    attributes: { blocksize: 2 },
    x: draw([2, 8, 3, 5]),
    expected: (x) =>
      made([2, 2, 6, 10], ([n, c, h, w]) => at(x, n!, (2 * (h! % 2) + (w! % 2)) * 2 + c!, h! >> 1, w! >> 1)),
  },
  {
    op: 'DepthToSpace',
    attributes: { blocksize: 2, mode: 'CRD' },
    x: draw([2, 8, 3, 5]),
    expected: (x) =>
      made([2, 2, 6, 10], ([n, c, h, w]) => at(x, n!, 4 * c! + 2 * (h! % 2) + (w! % 2), h! >> 1, w! >> 1)),
  },
  {
    op: 'SpaceToDepth',
    attributes: { blocksize: 2 },
    x: image,
    expected: (x) =>
      made([2, 16, 2, 3], ([n, c, h, w]) => {
        const block = Math.floor(c! / 4)
        return at(x, n!, c! % 4, 2 * h! + (block >> 1), 2 * w! + (block & 1))
      }),
  },
  {
    op: 'Gather',
    attributes: { axis: 2 },
    constants: [integers('indices', [2, 2], [3, 0, -1, 1])],
    x: draw([2, 3, 4]),
    expected: (x) => made([2, 3, 2, 2], ([n, c, i, j]) => at(x, n!, c!, [3, 0, 3, 1][2 * i! + j!]!)),
  },
  {
    op: 'Add',
    constants: [integers('from', [], [1]), integers('to', [], [6]), integers('by', [], [2])],
    before: [
      { op: 'Range', name: 'range', inputs: ['from', 'to', 'by'], output: 'whole' },
      { op: 'Cast', name: 'cast', inputs: ['whole'], output: 'odd', attributes: { to: 1 } },
    ],
    inputs: ['x', 'odd'],
    x: draw([2, 3]),
    expected: (x) => made([2, 3], ([n, k]) => at(x, n!, k!) + 1 + 2 * k!),
  },
  {
    op: 'LogSoftmax',
    attributes: { axis: 1 },
    x: volume,
    expected: (x) =>
      made(x.shape, ([n, c, ...at3]) => {
        const all = [0, 1, 2].map((k) => Math.exp(at(x, n!, k, ...at3)))
        return Math.log(Math.exp(at(x, n!, c!, ...at3)) / all.reduce((a, b) => a + b))
      }),
  },
]
