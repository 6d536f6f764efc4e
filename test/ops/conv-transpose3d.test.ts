import { describe, expect, it } from 'vitest'
import { input, parameter } from '../../src/graph/value.js'
import { convTranspose3d, type ConvTranspose3dOptions } from '../../src/ops/index.js'
import { useGpu, withOtherTiles } from '../gpu.js'
import { activations } from '../reference/conv3d.js'
import * as reference from '../reference/conv-transpose3d.js'
import { map, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectReference } from './check.js'
import { cube, stridedCases, strides } from './conv3d-cases.js'

const device = useGpu()
const draw = drawFrom(4)

interface Case {
  /** [N, Ci, D, H, W]. */
  readonly input: readonly number[]
  readonly outputs: number
  /** Left out where weights are [Ci, Co/groups]. */
  readonly kernel?: readonly number[]
  readonly bias?: boolean
  readonly options?: ConvTranspose3dOptions
}

const cases: Record<string, Case> = {
  'one voxel': { input: [1, 1, 1, 1, 1], outputs: 1, kernel: cube(1), bias: true },
  'one voxel, stride 2': { input: [2, 3, 1, 1, 1], outputs: 2, kernel: cube(2), bias: true, options: { stride: 2 } },
  'stride 1': { input: [2, 3, 3, 5, 7], outputs: 5, kernel: cube(3), bias: true },
  'stride 2, kernel 2': { input: [2, 5, 3, 4, 5], outputs: 3, kernel: cube(2), bias: true, options: { stride: 2 } },
  'stride 2, kernel 3, one more voxel': { input: [2, 5, 3, 4, 5], outputs: 9, kernel: cube(3), bias: true, options: { stride: 2, padding: 1, outputPadding: 1 } },
  'kernel smaller than the stride': { input: [2, 2, 5, 3, 7], outputs: 3, kernel: [1, 2, 2], bias: true, options: { stride: 3, outputPadding: [0, 1, 2] } },
  'weights [Ci, Co], stride 2': { input: [2, 5, 2, 3, 5], outputs: 7, bias: true, options: { stride: 2 } },
  'dilation 2': { input: [1, 3, 4, 5, 7], outputs: 2, kernel: cube(3), options: { dilation: 2, padding: 1 } },
  'dilation 3, stride 2': { input: [1, 3, 4, 3, 11], outputs: 2, kernel: [2, 3, 4], options: { stride: 2, dilation: 3, padding: [0, 2, 1], outputPadding: 2 } },
  'groups': { input: [2, 6, 3, 4, 5], outputs: 27, kernel: cube(3), bias: true, options: { stride: [1, 2, 3], groups: 3, padding: 1 } },
  'depthwise': { input: [2, 5, 3, 2, 9], outputs: 5, kernel: cube(4), bias: true, options: { stride: 2, groups: 5, padding: 1 } },
} // prettier-ignore

describe('conv_transpose3d', () => {
  it.each(Object.entries(cases))('%s', async (_, specification) => expectTransposed(specification))

  it.each(strides)('stride $stride, kernel $kernel, padding $padding', async ({ kernel, ...options }) => {
    await expectTransposed({
      input: [2, 3, 3, 5, 7],
      outputs: 5,
      kernel: cube(kernel),
      bias: true,
      options: { ...options, outputPadding: options.stride - 1 },
    })
  })

  it.each(stridedCases)('$channels channels, $coarse at stride $stride', async (geometry) => {
    const { coarse, channels, kernel, stride, padding } = geometry
    const [batch, ...extents] = coarse
    const specification = {
      input: [batch, channels[1], ...extents],
      outputs: channels[0],
      kernel: cube(kernel),
      bias: true,
      options: { stride, padding, outputPadding: kernel === 3 && stride === 2 ? 1 : 0 },
    }
    await expectTransposed(specification)
    await withOtherTiles(device.gpu, () => expectTransposed(specification))
  })

  it.each(['relu', 'sigmoid'] as const)('%s', async (activation) => {
    // Whole numbers, and halves for the bias: no sum comes near the kink, where f32 and f64 may take other sides.
    const values = (shape: readonly number[]) =>
      map(draw(shape, -2, 2), (value) => Math.round(value) + (shape.length === 1 ? 0.5 : 0))
    await expectTransposed(
      { input: [2, 3, 3, 2, 5], outputs: 4, kernel: cube(3), bias: true, options: { stride: 2, activation } },
      values,
    )
  })

  it('refuses what does not fit', () => {
    const x = input('x', [1, 4, 3, 3, 3])
    const weight = (...shape: number[]) =>
      parameter('w', shape, new Float32Array(shape.reduce((size, extent) => size * extent, 1)))
    expect(() => convTranspose3d(x, weight(3, 2, 3, 3, 3))).toThrow(
      'weight w [3, 2, 3, 3, 3] reads 3 channels, input x',
    )
    expect(() => convTranspose3d(x, weight(4, 2, 3))).toThrow(
      'weight must be [Ci, Co/groups, kD, kH, kW], not w [4, 2, 3]',
    )
    expect(() => convTranspose3d(x, weight(4, 2, 3, 3, 3), undefined, { groups: 3 })).toThrow(
      '4 input channels cannot be cut into 3 groups',
    )
    expect(() => convTranspose3d(x, weight(4, 2, 3, 3, 3), weight(2), { groups: 2 })).toThrow(
      'bias must be [4], not w [2]',
    )
    expect(() => convTranspose3d(x, weight(4, 2, 3, 3, 3), undefined, { outputPadding: 1 })).toThrow(
      'outputPadding [1, 1, 1] must be less than stride or dilation',
    )
    expect(() => convTranspose3d(x, weight(4, 2, 1, 1, 1), undefined, { padding: [0, 0, 2] })).toThrow(
      'padding [0, 0, 2] leaves no output',
    )
    expect(() =>
      convTranspose3d(x, weight(4, 2, 3, 3, 3), undefined, { activation: 'gelu' as never }),
    ).toThrow('conv_transpose3d: there is no activation gelu')
  })
})

async function expectTransposed(
  { input, outputs, kernel = [], bias = false, options = {} }: Case,
  values: (shape: readonly number[]) => NdArray = draw,
): Promise<void> {
  const x = values(input)
  const w = values([input[1]!, outputs / (options.groups ?? 1), ...kernel])
  const w5 = { ...w, shape: [...w.shape, 1, 1, 1].slice(0, 5) }
  const b = bias ? values([outputs]) : null
  const { value, derivative } = activations[options.activation ?? 'none']
  const expected = map(reference.forward(x, w5, b, options), value)
  await expectReference(device.gpu, {
    feeds: { x, w, ...(b ? { b } : {}) },
    flat: ['w'],
    tolerance: 2e-6,
    build: (v) => convTranspose3d(v.x!, v.w!, v.b, options),
    expected,
    backward: (gradOutput) => {
      const grad = map(gradOutput, (g, i) => g * derivative(expected.data[i]!))
      const { gradInput, gradWeight, gradBias } = reference.backward(grad, x, w5, options)
      return { x: gradInput, w: { ...gradWeight, shape: w.shape }, ...(b ? { b: gradBias } : {}) }
    },
  })
}
