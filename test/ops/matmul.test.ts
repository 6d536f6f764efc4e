import { describe, expect, it } from 'vitest'
import type { Gpu } from '../../src/gpu/gpu.js'
import { input } from '../../src/graph/value.js'
import { matmul } from '../../src/ops/index.js'
import { useGpu, withOtherTiles } from '../gpu.js'
import * as reference from '../reference/matmul.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(39)

/** A CPU driver multiplies long matrices by a kernel of their own, any other driver in blocks. */
const kernels = [
  ['as on this device', (_: Gpu, body: () => Promise<void>) => body()],
  ['as on another', withOtherTiles<void>],
] as const

async function expectProduct(a: readonly number[], b: readonly number[]): Promise<void> {
  const [x, y] = [draw(a), draw(b)]
  await expectReference(device.gpu, {
    feeds: { x, y },
    build: (v) => matmul(v.x!, v.y!),
    expected: reference.forward(x, y),
    backward: (g) => {
      const { gradA, gradB } = reference.backward(g, x, y)
      return { x: gradA, y: gradB }
    },
  })
}

describe('matmul', () => {
  // About the blocks of 8x8 and 32x32 and the 16 steps; then batches, shared and broadcast.
  for (const [a, b] of [
    [
      [1, 1],
      [1, 1],
    ],
    [
      [7, 11],
      [11, 5],
    ],
    [
      [16, 16],
      [16, 16],
    ],
    [
      [15, 33],
      [33, 40],
    ],
    [
      [33, 17],
      [17, 31],
    ],
    [
      [65, 100],
      [100, 37],
    ],
    [
      [3, 5, 7],
      [3, 7, 2],
    ],
    [
      [2, 3, 33, 18],
      [2, 3, 18, 20],
    ],
    [
      [3, 5, 7],
      [7, 2],
    ],
    [
      [3, 20, 7],
      [1, 7, 19],
    ],
    [
      [5, 7],
      [3, 7, 2],
    ],
    [
      [1, 1, 20, 7],
      [2, 3, 7, 33],
    ],
    [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
    // Long enough for the kernel of CPU drivers, in whole vec4s and not, lying and standing; few rows; shared and broadcast.
    [
      [17, 33],
      [33, 132],
    ],
    [
      [133, 18],
      [18, 19],
    ],
    [
      [64, 1],
      [1, 65],
    ],
    [
      [3, 16],
      [16, 72],
    ],
    [
      [3, 5, 20],
      [3, 20, 68],
    ],
    [
      [2, 67, 4],
      [1, 4, 3],
    ],
    [
      [5, 7],
      [3, 7, 71],
    ],
    // More batches than one dimension of a dispatch reaches.
    [
      [65537, 1, 1],
      [65537, 1, 2],
    ],
  ] as const)
    it.each(kernels)(`[${a.join(', ')}] by [${b.join(', ')}] %s`, (_, on) =>
      on(device.gpu, () => expectProduct(a, b)),
    )

  it('more batches than one dimension of a dispatch reaches, in the kernel of CPU drivers', () =>
    expectProduct([65537, 1, 1], [65537, 1, 64]))

  it('refuses volumes and shapes that do not fit', () => {
    const flat = (...shape: number[]) => input('x', shape, { layout: 'flat' })
    expect(matmul(flat(1, 2, 3, 4, 5), flat(5, 6)).shape).toEqual([1, 2, 3, 4, 6])
    expect(() => matmul(flat(2, 3), flat(2, 3))).toThrow('matmul: x [2, 3] and x [2, 3] cannot be multiplied')
    expect(() => matmul(flat(2, 5, 3), flat(3, 3, 2))).toThrow('cannot be multiplied')
    expect(() => matmul(flat(3), flat(3, 2))).toThrow(
      'matmul: x [3] (flat) must be flat, of at least two axes',
    )
    expect(() => matmul(input('x', [1, 1, 2, 3, 4]), flat(4, 2))).toThrow(
      'x [1, 1, 2, 3, 4] (volume) must be flat',
    )
    expect(() => matmul(flat(2, 3), undefined as never)).toThrow(
      'matmul: b: a Value is needed, not undefined',
    )
  })
})
