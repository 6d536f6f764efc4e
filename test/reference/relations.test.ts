/** What references say of each other, and of inputs whose results are known. */
import { describe, expect, it } from 'vitest'
import * as avgPool3d from './avg-pool3d.js'
import * as concat from './concat.js'
import * as conv3d from './conv3d.js'
import * as convTranspose3d from './conv-transpose3d.js'
import * as crossEntropy from './cross-entropy.js'
import * as labelConv3d from './label-conv3d.js'
import * as maxPool3d from './max-pool3d.js'
import { at, map, mulberry32, relativeError, uniform, zeros } from './nd-array.js'
import * as sumAxes from './sum-axes.js'
import * as upsampleTrilinear from './upsample-trilinear.js'

const random = mulberry32(20)
const draw = (shape: readonly number[], low = -1, high = 1) => uniform(shape, random, low, high)

describe('conv3d', () => {
  it('has cases in which a ReLU cuts some sums, none of them near its kink', () => {
    const { input, weight, bias } = conv3d.convolutionInputs(draw, 2, 2, [3, 3, 3])
    const { data } = conv3d.forward(input, weight, bias)
    expect(Math.min(...data.map(Math.abs))).toBeGreaterThan(0.02)
    expect(data.some((value) => value < 0)).toBe(true)
  })
})

describe('conv-transpose3d', () => {
  it.each([
    [2, 3, {}],
    [2, 3, { stride: 2, padding: 1, outputPadding: 1 }],
    [4, 6, { groups: 2, stride: [1, 2, 3], padding: [0, 1, 0], dilation: [2, 1, 1] }],
  ] as [number, number, convTranspose3d.ConvTranspose3dOptions][])(
    'is the adjoint of conv3d: %i -> %i, %j',
    (channels, outputs, options) => {
      const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options
      const input = draw([2, channels, 3, 2, 4])
      const weight = draw([channels, outputs / groups, 3, 2, 3])
      const output = convTranspose3d.forward(input, weight, null, options)
      const convolution = { stride, padding, dilation, groups }
      const { gradInput } = conv3d.backward(input, zeros(output.shape), weight, null, convolution)
      expect(relativeError(output, gradInput)).toBeLessThan(1e-12)
    },
  )
})

describe('label-conv3d', () => {
  it.each([
    [3, [3, 3, 3], {}],
    [2, [1, 3, 5], {}],
    [1, [3, 3, 3], { activation: 'sigmoid' }],
  ] as [number, number[], labelConv3d.LabelConv3dOptions][])(
    'is conv3d of the one-hot volume: %i outputs, kernel %j, %j',
    (outputs, kernel, options) => {
      const labels = map(draw([2, 1, 3, 5, 4], 0, 6), Math.floor)
      const [weight, bias] = [draw([outputs, 4, ...kernel]), draw([outputs])]
      const output = labelConv3d.forward(labels, weight, bias, options)
      const expected = conv3d.forward(labelConv3d.oneHot(labels, 4), weight, bias, options)
      expect(relativeError(output, expected)).toBeLessThan(1e-12)
    },
  )
})

describe('pooling', () => {
  it('has windows only where they begin in the padded volume and end there', () => {
    const input = zeros([2, 2, 3, 5, 4])
    const options = { kernelSize: [3, 2, 3], stride: [1, 2, 2], padding: [1, 0, 1] } as const
    expect(maxPool3d.forward(input).shape).toEqual([2, 2, 1, 2, 2])
    expect(maxPool3d.forward(input, options).shape).toEqual([2, 2, 3, 2, 2])
  })

  it('counts zeros of the padding in a mean', () => {
    const input = map(zeros([1, 1, 1, 1, 2]), () => 8)
    const { data } = avgPool3d.forward(input, { kernelSize: 2, padding: 1, stride: 1 })
    expect([...data.slice(0, 3)]).toEqual([1, 2, 1])
  })
})

describe('upsample-trilinear', () => {
  it.each([2, [1, 3, 2]] as const)('by %j leaves ones', (scale) => {
    const { data } = upsampleTrilinear.forward(
      map(zeros([2, 2, 3, 1, 2]), () => 1),
      scale,
    )
    expect(Math.max(...data.map((value) => Math.abs(value - 1)))).toBeLessThan(1e-12)
  })
})

describe('concat', () => {
  it('keeps channels in order', () => {
    const inputs = [draw([2, 1, 2, 3, 1]), draw([2, 3, 2, 3, 1])] as const
    const output = concat.forward(inputs)
    expect(output.shape).toEqual([2, 4, 2, 3, 1])
    expect(output.data[at(output.shape, 1, 3, 1, 2, 0)]).toBe(inputs[1].data.at(-1))
  })
})

describe('cross-entropy', () => {
  it('has a mean over voxels and batch', () => {
    const [logits, target] = [draw([2, 4, 3, 5, 1], -3, 3), draw([2, 4, 3, 5, 1], 0, 1)]
    const [mean, total] = [crossEntropy.forward(logits, target), crossEntropy.forward(logits, target, 'sum')]
    expect(mean.data[0]! * 2 * 3 * 5).toBeCloseTo(total.data[0]!, 9)
  })
})

describe('sum-axes', () => {
  it('keeps axes with an extent of 1', () => {
    expect(sumAxes.forward(draw([2, 3, 4, 5]), [0, 2]).shape).toEqual([1, 3, 1, 5])
  })
})
