import { describe, expect, it } from 'vitest'
import { input, parameter } from '../../src/graph/value.js'
import { conv3d, labelConv3d, type Activation } from '../../src/ops/index.js'
import { differentiate, useGpu, type UintArray } from '../gpu.js'
import * as reference from '../reference/label-conv3d.js'
import { fromArray, map, relativeError, zeros, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectReference, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(12)

interface Case {
  /** [N, D, H, W]. */
  readonly labels: readonly number[]
  readonly classes: number
  readonly outputs?: number
  /** Left out where weights are [Co, classes]. */
  readonly kernel?: readonly number[]
  readonly bias?: boolean
  readonly activation?: Activation
}

const cube = (k: number) => [k, k, k] as const

/** Every width of tile, with rows that are loaded as vec4s and rows that are not; one block of classes and several. */
const cases: Record<string, Case> = {
  '1x1x1, one voxel': { labels: [1, 1, 1, 1], classes: 1, kernel: cube(1), bias: true },
  '1x1x1, 14 classes': { labels: [2, 3, 5, 7], classes: 14, outputs: 3, kernel: cube(1) },
  '1x1x1, 70 classes': { labels: [2, 3, 5, 8], classes: 70, outputs: 2, kernel: cube(1), bias: true },
  '1x1x1 with weights [Co, classes]': { labels: [2, 3, 5, 8], classes: 7, outputs: 5 },
  'one voxel under 3x3x3': { labels: [3, 1, 1, 1], classes: 2, kernel: cube(3), bias: true },
  'width 1': { labels: [2, 5, 3, 1], classes: 2, outputs: 3, kernel: cube(3) },
  'width 2': { labels: [1, 3, 2, 2], classes: 9, outputs: 3, kernel: cube(3), bias: true },
  'width 4': { labels: [2, 3, 7, 4], classes: 14, outputs: 9, kernel: cube(3), bias: true },
  'width 8': { labels: [2, 3, 7, 8], classes: 14, kernel: cube(3), bias: true },
  'width 16': { labels: [1, 3, 5, 16], classes: 8, outputs: 2, kernel: cube(3), bias: true },
  'width 17': { labels: [2, 3, 2, 17], classes: 4, kernel: cube(3), bias: true },
  'width 20, rest of a tile': { labels: [2, 2, 5, 20], classes: 33, kernel: cube(3), bias: true },
  'width 36, several bricks a plane': { labels: [1, 2, 19, 36], classes: 3, kernel: cube(3), bias: true },
  '500 classes, weights in storage': { labels: [1, 3, 5, 12], classes: 500, kernel: cube(3), bias: true },
  '500 classes, no vec4s': { labels: [1, 3, 5, 11], classes: 500, kernel: cube(3), bias: true },
  '5x5x5 over less': { labels: [2, 2, 3, 5], classes: 5, outputs: 6, kernel: cube(5), bias: true },
  '5x5x5, width 12': { labels: [1, 5, 3, 12], classes: 3, outputs: 2, kernel: cube(5) },
  '7x7x7, width 17': { labels: [1, 3, 5, 17], classes: 2, outputs: 7, kernel: cube(7), bias: true },
  '9x9x9, width 12': { labels: [1, 5, 3, 12], classes: 2, kernel: cube(9), bias: true },
  '1x1x11, width 8': { labels: [1, 2, 3, 8], classes: 2, outputs: 2, kernel: [1, 1, 11] },
  '1x3x5': { labels: [2, 3, 4, 9], classes: 3, outputs: 17, kernel: [1, 3, 5], bias: true },
  '5x3x1': { labels: [2, 5, 4, 7], classes: 6, outputs: 2, kernel: [5, 3, 1] },
  '1x13x11, more sums than one invocation holds': {
    labels: [1, 2, 5, 6],
    classes: 2,
    outputs: 2,
    kernel: [1, 13, 11],
  },
}

describe('label_conv3d', () => {
  it.each(Object.entries(cases))('%s', async (_, specification) => expectConvolution(specification))

  it.each(extents.map((extent) => [extent.join('x'), extent] as const))('14 classes, %s', async (_, extent) =>
    expectConvolution({ labels: [2, ...extent], classes: 14, kernel: cube(3), bias: true }),
  )

  it('sigmoid', () =>
    expectConvolution({
      labels: [2, 3, 5, 7],
      classes: 14,
      kernel: cube(3),
      bias: true,
      activation: 'sigmoid',
    }))

  it('relu', () =>
    // Whole numbers, and halves for the bias: no sum comes near the kink, where f32 and f64 may take other sides.
    expectConvolution(
      { labels: [2, 3, 5, 17], classes: 3, outputs: 5, kernel: cube(3), bias: true, activation: 'relu' },
      (shape) => map(draw(shape, -4, 4), (value) => Math.round(value) + (shape.length === 1 ? 0.5 : 0)),
    ))

  it('a label that is not a class adds nothing, however large', async () => {
    const data = Uint32Array.of(0, 2, 3, 4, 7, 1, 1 << 24, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 2)
    for (const width of [12, 3]) {
      const labels = { shape: [1, 1, 1, 12 / width, width], data }
      const w = draw([2, 3, 3, 3, 3])
      const b = draw([2])
      await expectAsReference(labels, w, b, 'none')
      const none = { shape: labels.shape, data: data.map((label) => (label < 3 ? 3 : label)) }
      const results = await differentiate(
        device.gpu,
        { labels: none, w, b },
        ['w'],
        draw([1, 2, 1, 12 / width, width]),
        (v) => labelConv3d(v.labels!, v.w!, v.b),
        ['w'],
      )
      expectSameBits(results['grad w']!, zeros(w.shape), 'gradient of w')
      const biases = map(results.output!, (_, i) => b.data[Math.floor(i / 12)]!)
      expectSameBits(results.output!, biases, 'output')
    }
  })

  it.each([
    ['vec4 rows', [2, 5, 9, 16]],
    ['other rows', [2, 5, 9, 13]],
  ])('is conv3d of the one-hot volume: %s', async (_, shape) => {
    const labels = drawLabels(shape, 14)
    const x = reference.oneHot(fromArray(labels.shape, labels.data), 14)
    const feeds = { w: draw([2, 14, 3, 3, 3]), b: draw([2]) }
    const gradOutput = draw([shape[0]!, 2, ...shape.slice(1)])
    const sparse = await differentiate(
      device.gpu,
      { ...feeds, labels },
      ['labels', 'w', 'b'],
      gradOutput,
      (v) => labelConv3d(v.labels!, v.w!, v.b, { activation: 'sigmoid' }),
      ['w'],
    )
    const dense = await differentiate(
      device.gpu,
      { ...feeds, x },
      ['x', 'w', 'b'],
      gradOutput,
      (v) => conv3d(v.x!, v.w!, v.b, { activation: 'sigmoid', padding: 'same' }),
      ['w'],
    )
    expect(relativeError(sparse.output!, dense.output!)).toBeLessThan(1e-6)
    expect(relativeError(sparse['grad labels']!, dense['grad x']!)).toBeLessThan(1e-6)
    expect(relativeError(sparse['grad w']!, dense['grad w']!)).toBeLessThan(1e-6)
    expect(relativeError(sparse['grad b']!, dense['grad b']!)).toBeLessThan(1e-6)
  })

  it('refuses what does not fit', () => {
    const labels = input('x', [1, 1, 3, 3, 3], { dtype: 'u32' })
    const weight = (...shape: number[]) =>
      parameter('w', shape, new Float32Array(shape.reduce((size, extent) => size * extent, 1)))
    const w = weight(4, 3, 3, 3, 3)
    expect(() => labelConv3d(input('x', [1, 1, 3, 3, 3]), w)).toThrow(
      'labels must be u32 [N, 1, D, H, W], not f32 [1, 1, 3, 3, 3]',
    )
    expect(() => labelConv3d(input('x', [1, 2, 3, 3, 3], { dtype: 'u32' }), w)).toThrow(
      'labels must be u32 [N, 1, D, H, W], not u32 [1, 2, 3, 3, 3]',
    )
    expect(() => labelConv3d(labels, weight(4, 3, 3, 2, 3))).toThrow('kernel 3x2x3 has an even extent')
    expect(() => labelConv3d(labels, weight(4, 3, 3))).toThrow(
      'weight must be [Co, classes, kD, kH, kW], not w [4, 3, 3]',
    )
    expect(() => labelConv3d(labels, w, weight(3))).toThrow('bias must be [4], not w [3]')
  })
})

/** Labels [N, 1, D, H, W] below `classes`, and some that are no class. */
function drawLabels([batch, ...extent]: readonly number[], classes: number): UintArray {
  const shape = [batch!, 1, ...extent]
  return { shape, data: Uint32Array.from(draw(shape, 0, classes * 1.2).data) }
}

async function expectConvolution(
  { labels, classes, outputs = 1, kernel = [], bias = false, activation = 'none' }: Case,
  values: (shape: readonly number[]) => NdArray = draw,
): Promise<void> {
  await expectAsReference(
    drawLabels(labels, classes),
    values([outputs, classes, ...kernel]),
    bias ? values([outputs]) : null,
    activation,
  )
}

async function expectAsReference(
  labels: UintArray,
  w: NdArray,
  b: NdArray | null,
  activation: Activation,
): Promise<void> {
  const x = fromArray(labels.shape, labels.data)
  const w5 = { ...w, shape: [...w.shape, 1, 1, 1].slice(0, 5) }
  await expectReference(device.gpu, {
    feeds: { labels, w, ...(b ? { b } : {}) },
    flat: ['w'],
    // Sums of up to 729 terms, in another order than the reference's.
    tolerance: 2e-6,
    build: (v) => labelConv3d(v.labels!, v.w!, v.b, { activation }),
    expected: reference.forward(x, w5, b, { activation }),
    backward: (gradOutput) => {
      const { gradLabels, gradWeight, gradBias } = reference.backward(gradOutput, x, w5, b, { activation })
      return {
        labels: gradLabels,
        w: { ...gradWeight, shape: w.shape },
        ...(b ? { b: gradBias } : {}),
      }
    },
  })
}
