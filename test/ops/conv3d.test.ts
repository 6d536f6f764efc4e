import { describe, expect, it } from 'vitest'
import { gradients, nodesBehind } from '../../src/graph/gradients.js'
import { input, parameter } from '../../src/graph/value.js'
import { chooseTile } from '../../src/ops/conv3d/tile.js'
import { conv3d, sum } from '../../src/ops/index.js'
import { useGpu, withOtherTiles, withoutSubgroups } from '../gpu.js'
import * as concatenation from '../reference/concat.js'
import * as reference from '../reference/conv3d.js'
import { map, type NdArray } from '../reference/nd-array.js'
import * as upsampling from '../reference/upsample-nearest.js'
import { drawFrom, expectReference } from './check.js'
import {
  cases,
  cube,
  generalCases,
  same,
  stridedCases,
  strides,
  type Case,
  type GeneralCase,
} from './conv3d-cases.js'

const device = useGpu()
const draw = drawFrom(1)

describe('conv3d', () => {
  it.each(Object.entries(generalCases))('general: %s', async (_, specification) =>
    expectGeneral(specification),
  )

  it('general: relu', () =>
    expectGeneral(
      {
        input: [2, 3, 5, 6, 7],
        outputs: 5,
        kernel: cube(3),
        bias: true,
        options: { stride: 2, activation: 'relu' },
      },
      // As for the tuned kernels below: no sum comes near the kink.
      (shape) => map(draw(shape, -4, 4), (value) => Math.round(value) + (shape.length === 1 ? 0.5 : 0)),
    ))

  it('general: an upsampled volume beside others', async () => {
    const [coarse, skip, w] = [draw([2, 2, 2, 1, 3]), draw([2, 3, 4, 2, 6]), draw([4, 5, 2, 2, 2])]
    const upsampled = upsampling.forward(coarse)
    const joined = concatenation.forward([upsampled, skip])
    const options = { stride: 2, padding: [0, 1, 0] } as const
    await expectReference(device.gpu, {
      feeds: { coarse, skip, w },
      flat: ['w'],
      build: (v) => conv3d({ coarse: v.coarse!, skip: v.skip! }, v.w!, undefined, options),
      expected: reference.forward(joined, w, null, options),
      backward: (gradOutput) => {
        const { gradInput, gradWeight } = reference.backward(gradOutput, joined, w, null, options)
        const { gradInputs } = concatenation.backward(gradInput, [upsampled, skip])
        const { gradInput: gradCoarse } = upsampling.backward(gradInputs[0]!)
        return { coarse: gradCoarse, skip: gradInputs[1]!, w: gradWeight }
      },
    })
  })

  it.each(strides)('strided: stride $stride, kernel $kernel, padding $padding', async (geometry) => {
    const { kernel, ...options } = geometry
    await expectGeneral({ input: [2, 3, 5, 7, 13], outputs: 5, kernel: cube(kernel), bias: true, options })
  })

  it.each(stridedCases)('strided: $channels channels, $coarse at stride $stride', async (geometry) => {
    const { coarse, channels, kernel, stride, padding } = geometry
    const [batch, ...extents] = coarse
    const specification = {
      input: [batch, channels[0], ...extents.map((n) => n * stride)],
      outputs: channels[1],
      kernel: cube(kernel),
      bias: true,
      options: { stride, padding },
    }
    await expectGeneral(specification)
    await withOtherTiles(device.gpu, () => expectGeneral(specification))
  })

  it.each([[{ padding: 1 }], [{ padding: [1, 1, 2], dilation: [1, 1, 2] }]] as const)(
    'more weights than partial sums are kept for, %j: bricks of several planes',
    // 2 x 4 output planes of 663,552 weights each would take more than the 4e6 that are kept.
    async (options) =>
      expectGeneral({
        input: [2, 192, 7, 1, 2],
        outputs: 128,
        kernel: cube(3),
        options: { stride: 2, ...options },
      }),
  )

  it.each(Object.entries(cases))('%s', async (_, specification) => expectConvolution(specification))

  it.each(Object.entries(cases))('%s, in the tiles of other devices', async (_, specification) =>
    withOtherTiles(device.gpu, () => expectConvolution(specification)),
  )

  it('sigmoid', () =>
    expectConvolution({
      input: [2, 14, 3, 5, 7],
      outputs: 1,
      kernel: cube(3),
      bias: true,
      activation: 'sigmoid',
    }))

  it('relu', () =>
    // Whole numbers, and halves for the bias: no sum comes near the kink, where f32 and f64 may take other sides.
    expectConvolution(
      { input: [2, 3, 3, 5, 17], outputs: 5, kernel: cube(3), bias: true, activation: 'relu' },
      (shape) => map(draw(shape, -4, 4), (value) => Math.round(value) + (shape.length === 1 ? 0.5 : 0)),
    ))

  it('the gradient of one after a relu is masked as it is written', async () => {
    await expectMasked()
    await withOtherTiles(device.gpu, expectMasked)
  })

  it('relu passes no gradient if the sum is exactly 0', () =>
    expectConvolution({ input: [1, 2, 2, 3, 5], outputs: 3, kernel: cube(3), activation: 'relu' }, (shape) =>
      map(draw(shape), (value) => (shape[0] === 1 ? 0 : value)),
    ))

  // Large tiles are for large volumes only: each with a rest of the row, rows as vec4s and not, a rest of the channels.
  it.each([
    [[1, 2, 31, 33, 44], 14],
    [[1, 1, 31, 37, 35], 18],
    [[1, 1, 61, 83, 104], 5],
    [[1, 1, 61, 83, 105], 2],
  ])('%j -> %i channels', async (shape, outputs) =>
    expectConvolution({ input: shape, outputs, kernel: cube(3), bias: true }),
  )

  it('the cases meet every tile', () => {
    const tilesOf = (software: boolean) =>
      Object.values(cases).map(({ input: [, , , , width], outputs, kernel }) =>
        chooseTile({ outputs, width: width!, voxels: 1, kernelWidth: kernel?.[2] ?? 1 }, { software }),
      )
    expect(new Set(tilesOf(true).map(({ x }) => x))).toEqual(new Set([1, 2, 4]))
    expect(new Set(tilesOf(false).map(({ x }) => x))).toEqual(new Set([1, 2, 4]))
    const channelsOf = (software: boolean) => new Set(tilesOf(software).map((tile) => tile.channels))
    expect(channelsOf(true)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]))
    // Wider ones compute fewer outputs that are thrown away.
    expect(channelsOf(false)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14]))
    const large = { outputs: 14, width: 40, kernelWidth: 3 }
    expect(chooseTile({ ...large, voxels: 2 ** 15 }, { software: true })).toEqual({ x: 8, channels: 14 })
    expect(chooseTile({ ...large, voxels: 2 ** 19 }, { software: true })).toEqual({ x: 16, channels: 14 })
  })

  // Widths whose coarse rows are vec4s, pairs, neither; one or several blocks of channels, cut within a block or between.
  it.each<[coarse: readonly number[], skips: number, outputs: number, kernel: readonly number[]]>([
    [[1, 2, 2, 3, 4], 3, 5, cube(3)],
    [[2, 3, 1, 1, 1], 2, 4, cube(3)],
    [[1, 4, 3, 2, 8], 4, 14, cube(3)],
    [[2, 9, 2, 3, 3], 7, 3, cube(3)],
    [[1, 2, 2, 2, 9], 14, 2, cube(3)],
    [[1, 1, 3, 5, 12], 1, 8, cube(3)],
    [[2, 2, 3, 4, 8], 1, 3, [5, 5, 5]],
    [[1, 1, 2, 4, 5], 2, 2, [3, 1, 7]],
    [[1, 1, 1, 7, 4], 1, 2, [1, 13, 13]],
  ])(
    'an upsampled volume %j beside %i channels, %i out, kernel %j',
    async (coarseShape, skips, outputs, kernel) => {
      const [n, channels, ...extents] = coarseShape
      const coarse = draw(coarseShape)
      const skip = draw([n!, skips, ...extents.map((extent) => 2 * extent)])
      const w = draw([outputs, channels! + skips, ...kernel])
      const b = draw([outputs])
      const upsampled = upsampling.forward(coarse)
      const joined = concatenation.forward([upsampled, skip])
      const check = () =>
        expectReference(device.gpu, {
          feeds: { coarse, skip, w, b },
          flat: ['w'],
          tolerance: 2e-6,
          build: (v) => conv3d({ coarse: v.coarse!, skip: v.skip! }, v.w!, v.b, { padding: 'same' }),
          expected: reference.forward(joined, w, b),
          backward: (gradOutput) => {
            const { gradInput, gradWeight, gradBias } = reference.backward(gradOutput, joined, w, b)
            const { gradInputs } = concatenation.backward(gradInput, [upsampled, skip])
            const { gradInput: gradCoarse } = upsampling.backward(gradInputs[0]!)
            return { coarse: gradCoarse, skip: gradInputs[1]!, w: gradWeight, b: gradBias }
          },
        })
      await check()
      // The kernels of GPUs, and of devices without subgroups.
      await withOtherTiles(device.gpu, check)
      await withoutSubgroups(device.gpu, check)
    },
  )

  it('refuses what does not fit', () => {
    const x = input('x', [1, 2, 3, 3, 3])
    const weight = (...shape: number[]) =>
      parameter('w', shape, new Float32Array(shape.reduce((size, extent) => size * extent, 1)))
    expect(() => conv3d(x, weight(4, 3, 3, 3, 3))).toThrow(
      'weight w [4, 3, 3, 3, 3] reads 3 channels, input x',
    )
    expect(() => conv3d(x, weight(4, 2, 3))).toThrow('weight must be [Co, Ci, kD, kH, kW], not w [4, 2, 3]')
    expect(() => conv3d(x, weight(4, 2, 3, 3, 3), weight(3))).toThrow('bias must be [4], not w [3]')
    expect(() => conv3d(x, weight(4, 3, 3, 3, 3), undefined, { groups: 2 })).toThrow(
      'reads 6 channels in 2 groups, input x',
    )
    expect(() => conv3d(x, weight(3, 1, 3, 3, 3), undefined, { groups: 2 })).toThrow(
      'conv3d: 3 output channels cannot be cut into 2 groups',
    )
    expect(() => conv3d(x, weight(3, 2, 5, 1, 1))).toThrow(
      'conv3d: kernel 5x1x1 is larger than the padded input [3, 3, 3]',
    )
    expect(() => conv3d(x, weight(3, 2, 3, 3, 3), undefined, { stride: 2, padding: 'same' })).toThrow(
      "conv3d: padding 'same' needs a stride of 1, not [2, 2, 2]",
    )
    expect(() => conv3d(x, weight(3, 2, 3, 3, 3), undefined, { dilation: [1, 0, 1] })).toThrow(
      'conv3d: dilation must be a whole number of at least 1, or three [d, h, w], not [1, 0, 1]',
    )
    expect(() => conv3d(x, weight(3, 2, 3, 3, 3), undefined, { padding: -1 })).toThrow(
      'conv3d: padding must be a whole number of at least 0',
    )
    expect(() => conv3d({ coarse: x, skip: input('y', [1, 2, 6, 6, 5]) }, weight(4, 4, 3, 3, 3))).toThrow(
      'conv3d: x [1, 2, 3, 3, 3] is not y [1, 2, 6, 6, 5] at half the resolution',
    )
  })
})

async function expectMasked(): Promise<void> {
  const whole = (shape: readonly number[]) => map(draw(shape, -4, 4), (value) => Math.round(value) + 0.5)
  const [x, w1, w2] = [whole([2, 3, 3, 4, 9]), whole([5, 3, 3, 3, 3]), draw([2, 5, 3, 3, 3])]
  const hidden = reference.forward(x, w1, null, { activation: 'relu' })
  await expectReference(device.gpu, {
    feeds: { x, w1, w2 },
    flat: ['w1', 'w2'],
    tolerance: 2e-6,
    build: (v) => {
      const output = conv3d(
        conv3d(v.x!, v.w1!, undefined, { ...same, activation: 'relu' }),
        v.w2!,
        undefined,
        same,
      )
      const [gradient] = gradients(sum(output), [v.x!])
      const ops = nodesBehind([gradient!]).map(({ op }) => op)
      expect(ops.filter((op) => op === 'conv3d backward input')).toHaveLength(2)
      expect(ops).not.toContain('relu backward')
      return output
    },
    expected: reference.forward(hidden, w2, null),
    backward: (gradOutput) => {
      const second = reference.backward(gradOutput, hidden, w2, null)
      const first = reference.backward(second.gradInput, x, w1, null, { activation: 'relu' })
      return { x: first.gradInput, w1: first.gradWeight, w2: second.gradWeight }
    },
  })
}

/** Whether or not the tuned kernels might do. */
async function expectGeneral(
  { input, outputs, kernel = [], bias = false, options = {} }: GeneralCase,
  values: (shape: readonly number[]) => NdArray = draw,
): Promise<void> {
  const x = values(input)
  const w = values([outputs, input[1]! / (options.groups ?? 1), ...kernel])
  const w5 = { ...w, shape: [...w.shape, 1, 1, 1].slice(0, 5) }
  const b = bias ? values([outputs]) : null
  const settings = { padding: 0, ...options }
  await expectReference(device.gpu, {
    feeds: { x, w, ...(b ? { b } : {}) },
    flat: ['w'],
    tolerance: 2e-6,
    build: (v) => conv3d(v.x!, v.w!, v.b, options),
    expected: reference.forward(x, w5, b, settings),
    backward: (gradOutput) => {
      const { gradInput, gradWeight, gradBias } = reference.backward(gradOutput, x, w5, b, settings)
      return { x: gradInput, w: { ...gradWeight, shape: w.shape }, ...(b ? { b: gradBias } : {}) }
    },
  })
}

async function expectConvolution(
  { input, outputs, kernel = [], bias = false, activation = 'none' }: Case,
  values: (shape: readonly number[]) => NdArray = draw,
): Promise<void> {
  const x = values(input)
  const w = values([outputs, input[1]!, ...kernel])
  const w5 = { ...w, shape: [...w.shape, 1, 1, 1].slice(0, 5) }
  const b = bias ? values([outputs]) : null
  await expectReference(device.gpu, {
    feeds: { x, w, ...(b ? { b } : {}) },
    flat: ['w'],
    // Sums of up to 1728 products, in another order than the reference's.
    tolerance: 2e-6,
    build: (v) => conv3d(v.x!, v.w!, v.b, { ...same, activation }),
    expected: reference.forward(x, w5, b, { activation }),
    backward: (gradOutput) => {
      const { gradInput, gradWeight, gradBias } = reference.backward(gradOutput, x, w5, b, { activation })
      return { x: gradInput, w: { ...gradWeight, shape: w.shape }, ...(b ? { b: gradBias } : {}) }
    },
  })
}
