import { describe, expect, it } from 'vitest'
import { input, parameter } from '../../src/graph/value.js'
import { conv1d, conv2d, conv3d, convTranspose2d, type Pair } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import { fromArray, map } from '../reference/nd-array.js'
import * as reference from '../reference/conv2d.js'
import { drawFrom, expectReference, expectSameBits } from './check.js'

const device = useGpu()
const draw = drawFrom(37)

interface Settings {
  readonly stride?: Pair
  readonly padding?: Pair
  readonly dilation?: Pair
  readonly groups?: number
}

/** Shapes of images and weights. */
const images: readonly (readonly [x: readonly number[], w: readonly number[], Settings])[] = [
  [[2, 3, 1, 11, 13], [5, 3, 3, 3], { padding: [1, 1] }],
  [[1, 1, 1, 28, 28], [7, 1, 3, 3], { stride: [2, 2], padding: [1, 1] }],
  [[2, 4, 1, 9, 7], [6, 2, 3, 5], { stride: [2, 1], padding: [0, 2], dilation: [2, 1], groups: 2 }],
  [[1, 3, 1, 5, 33], [2, 3, 1, 1], {}],
  [[1, 3, 1, 5, 7], [2, 3], {}],
  [[2, 2, 1, 6, 8], [4, 2, 2, 2], { stride: [2, 2] }],
]

describe('conv2d', () => {
  it.each(images)('of %j with %j, %j', (shape, kernel, options) => {
    const [x, w, b] = [draw(shape), draw(kernel), draw([kernel[0]!])]
    return expectReference(device.gpu, {
      feeds: { x, w, b },
      build: (v) => conv2d(v.x!, v.w!, v.b, options),
      expected: reference.forward(x, w, b, options),
      backward: (g) => {
        const { gradInput, gradWeight, gradBias } = reference.backward(g, x, w, b, options)
        return { x: gradInput, w: gradWeight, b: gradBias }
      },
    })
  })

  it('takes one number for both axes, padding that keeps the size, and an activation', async () => {
    const [x, w] = [draw([1, 3, 1, 7, 9]), draw([4, 3, 3, 3])]
    const { same, twice, active } = await evaluate(device.gpu, { x, w }, (v) => ({
      same: conv2d(v.x!, v.w!, undefined, { padding: 'same' }),
      twice: conv2d(v.x!, v.w!, undefined, { stride: 2, padding: 2, dilation: 2 }),
      active: conv2d(v.x!, v.w!, undefined, { padding: 1, activation: 'relu' }),
    }))
    expect(same.shape).toEqual([1, 4, 1, 7, 9])
    expectSameBits(
      active,
      map(same, (value) => Math.max(value, 0)),
      'ReLU',
    )
    const expected = reference.forward(x, w, null, { stride: [2, 2], padding: [2, 2], dilation: [2, 2] })
    expect(twice.shape).toEqual(expected.shape)
  })

  it('has the bits of conv3d', async () => {
    const [x, w] = [draw([1, 3, 1, 7, 9]), draw([4, 3, 3, 3])]
    const deep = fromArray([4, 3, 1, 3, 3], w.data)
    const { image, volume } = await evaluate(
      device.gpu,
      { x, w, deep },
      (v) => ({
        image: conv2d(v.x!, v.w!, undefined, { padding: 'same' }),
        volume: conv3d(v.x!, v.deep!, undefined, { padding: 'same' }),
      }),
      ['deep'],
    )
    expectSameBits(image, volume, 'conv2d')
  })
})

describe('conv1d', () => {
  it.each([
    [[2, 3, 1, 1, 17], [5, 3, 3], { padding: 1 }],
    [[1, 4, 1, 1, 33], [6, 2, 5], { stride: 2, padding: 2, dilation: 2, groups: 2 }],
  ] as const)('of %j with %j, %j', (shape, kernel, options) => {
    const [x, w, b] = [draw(shape), draw(kernel), draw([kernel[0]])]
    const { groups, ...along } = { groups: 1, ...options }
    const settings = {
      groups,
      ...Object.fromEntries(Object.entries(along).map(([name, value]) => [name, [value]])),
    }
    return expectReference(device.gpu, {
      feeds: { x, w, b },
      build: (v) => conv1d(v.x!, v.w!, v.b, options),
      expected: reference.forward(x, w, b, settings),
      backward: (g) => {
        const { gradInput, gradWeight, gradBias } = reference.backward(g, x, w, b, settings)
        return { x: gradInput, w: gradWeight, b: gradBias }
      },
    })
  })
})

describe('conv_transpose2d', () => {
  it.each([
    [[2, 3, 1, 5, 7], [3, 4, 2, 2], { stride: [2, 2] }],
    [
      [1, 4, 1, 4, 3],
      [4, 3, 3, 3],
      { stride: [2, 1], padding: [1, 0], outputPadding: [1, 0], dilation: [1, 2], groups: 2 },
    ],
  ] as const)('of %j with %j, %j', (shape, kernel, options) => {
    const groups = 'groups' in options ? options.groups : 1
    const [x, w, b] = [draw(shape), draw(kernel), draw([kernel[1] * groups])]
    return expectReference(device.gpu, {
      feeds: { x, w, b },
      build: (v) => convTranspose2d(v.x!, v.w!, v.b, options),
      expected: reference.transposedForward(x, w, b, options),
      backward: (g) => {
        const { gradInput, gradWeight, gradBias } = reference.transposedBackward(g, x, w, options)
        return { x: gradInput, w: gradWeight, b: gradBias }
      },
    })
  })
})

it('refuses volumes, and weights of another number of axes', () => {
  const weight = (...shape: number[]) =>
    parameter('w', shape, new Float32Array(shape.reduce((size, n) => size * n, 1)))
  expect(() => conv2d(input('x', [1, 3, 2, 4, 4]), weight(4, 3, 3, 3))).toThrow(
    'conv2d: the input must be [N, C, 1, H, W], not x [1, 3, 2, 4, 4]',
  )
  const x = input('x', [1, 3, 1, 4, 4])
  expect(() => conv2d(x, weight(4, 3, 1, 3, 3))).toThrow('conv2d: weight must be [Co, Ci, kH, kW], not w')
  expect(() => conv3d(x, weight(4, 3, 3, 3))).toThrow('conv3d: weight must be [Co, Ci, kD, kH, kW], not w')
  expect(() => conv2d(input('x', [1, 3, 4, 4]), weight(4, 3, 3, 3))).toThrow('a volume [N,C,D,H,W] is needed')
  expect(() => conv1d(x, weight(4, 3, 3))).toThrow('conv1d: the input must be [N, C, 1, 1, W]')
  expect(() => convTranspose2d(x, weight(3, 4, 3))).toThrow('conv_transpose2d: weight must be')
})
