/** Every backward function against central differences of its forward function, in float64. */
import { describe, expect, it } from 'vitest'
import * as activation from './activation.js'
import * as arithmetic from './arithmetic.js'
import * as batchNorm from './batch-norm.js'
import * as avgPool3d from './avg-pool3d.js'
import * as concat from './concat.js'
import * as conv3d from './conv3d.js'
import * as convTranspose3d from './conv-transpose3d.js'
import * as crossEntropy from './cross-entropy.js'
import * as elementwise from './elementwise.js'
import * as dropout from './dropout.js'
import { gradientError } from './finite-differences.js'
import * as groupNorm from './group-norm.js'
import * as gumbelSoftmax from './gumbel-softmax.js'
import * as instanceNorm from './instance-norm.js'
import * as klDivergence from './kl-divergence.js'
import * as labelConv3d from './label-conv3d.js'
import * as linear from './linear.js'
import * as logSumExp from './log-sum-exp.js'
import * as maxPool3d from './max-pool3d.js'
import * as mrf from './mrf.js'
import { at, map, mulberry32, relativeError, uniform, zeros, type NdArray } from './nd-array.js'
import * as softDice from './soft-dice.js'
import * as softmax from './softmax.js'
import * as squaredError from './squared-error.js'
import * as sum from './sum.js'
import * as supportMask from './support-mask.js'
import * as upsampleNearest from './upsample-nearest.js'
import * as upsampleTrilinear from './upsample-trilinear.js'

const random = mulberry32(20)
const draw = (shape: readonly number[], low = -1, high = 1) => uniform(shape, random, low, high)

/** f's hand-written gradient, given the output's, must agree with central differences. */
function expectGradient(f: (x: NdArray) => NdArray, x: NdArray, backward: (g: NdArray) => NdArray): void {
  const gradOutput = draw(f(x).shape)
  expect(gradientError({ f, x, gradOutput, gradient: backward(gradOutput) })).toBeLessThan(1e-6)
}

/** The numbers 0 .. n-1 in random order: no two equal, none nearer than 1. */
function shuffled(shape: readonly number[]): NdArray {
  const order = zeros(shape).data.map((_, i) => i)
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return { shape, data: order }
}

/** A prior of which some classes are forbidden in some voxels, none in all. */
function drawPrior(shape: readonly number[]): NdArray {
  return softmax.softmax(map(draw(shape), (value, i) => (i % 5 === 2 ? -40 : value)))
}

describe('conv3d', () => {
  const cases: Record<string, { Ci: number; Co: number; kernel: number[]; options: conv3d.Conv3dOptions }> = {
    'default': { Ci: 2, Co: 3, kernel: [3, 3, 3], options: {} },
    'stride 2': { Ci: 2, Co: 3, kernel: [3, 3, 3], options: { stride: 2, padding: 1 } },
    'triples': { Ci: 2, Co: 2, kernel: [1, 2, 3], options: { stride: [1, 2, 1], padding: [0, 1, 2], dilation: [1, 2, 1] } },
    "an even kernel, 'same'": { Ci: 2, Co: 2, kernel: [2, 4, 1], options: { padding: 'same', dilation: [1, 1, 2] } },
    'groups': { Ci: 4, Co: 6, kernel: [3, 1, 3], options: { groups: 2 } },
    'depthwise, dilated': { Ci: 3, Co: 3, kernel: [3, 3, 3], options: { groups: 3, dilation: 2 } },
    'relu': { Ci: 2, Co: 2, kernel: [3, 3, 3], options: { activation: 'relu' } },
    'sigmoid': { Ci: 2, Co: 2, kernel: [3, 3, 3], options: { activation: 'sigmoid' } },
  } // prettier-ignore

  it.each(Object.entries(cases))('%s: gradients', (_, { Ci, Co, kernel, options }) => {
    // Whole numbers and a bias of halves keep every sum half a unit from the kink of a ReLU.
    const drawWhole = (shape: readonly number[]) => map(draw(shape, -5, 5), Math.round)
    const input = drawWhole([2, Ci, 3, 5, 4])
    const weight = map(drawWhole([Co, Ci / (options.groups ?? 1), ...kernel]), (value) => value / 20)
    const bias = map(drawWhole([Co]), (value) => (value + 0.5) / 20)
    if (options.activation === 'relu') {
      const sums = conv3d.forward(input, weight, bias, { ...options, activation: 'none' })
      expect(Math.min(...sums.data.map(Math.abs))).toBeGreaterThan(0.02)
      expect(sums.data.some((value) => value < 0)).toBe(true)
    }
    const backward = (g: NdArray) => conv3d.backward(g, input, weight, bias, options)
    expectGradient(
      (x) => conv3d.forward(x, weight, bias, options),
      input,
      (g) => backward(g).gradInput,
    )
    expectGradient(
      (x) => conv3d.forward(input, x, bias, options),
      weight,
      (g) => backward(g).gradWeight,
    )
    expectGradient(
      (x) => conv3d.forward(input, weight, x, options),
      bias,
      (g) => backward(g).gradBias,
    )
  })
})

describe('activation', () => {
  // Positive numbers too for logarithm and root; none at a kink.
  const inputs = { positive: draw([2, 3, 1, 5, 2], 0.1, 3), negative: draw([2, 3, 1, 5, 2], -4, -0.1) }

  it.each(Object.keys(activation.activations) as activation.Name[])('%s: gradient', (name) => {
    for (const x of name === 'log' || name === 'sqrt' ? [inputs.positive] : Object.values(inputs)) {
      expectGradient(
        (value) => activation.forward(name, value),
        x,
        (g) => activation.backward(name, g, x).gradInput,
      )
    }
  })
})

describe('conv-transpose3d', () => {
  const cases: Record<string, { Ci: number; Co: number; options: convTranspose3d.ConvTranspose3dOptions }> = {
    'default': { Ci: 2, Co: 3, options: {} },
    'stride 2, one more voxel': { Ci: 2, Co: 3, options: { stride: 2, padding: 1, outputPadding: 1 } },
    'groups, triples': { Ci: 4, Co: 6, options: { groups: 2, stride: [1, 2, 3], padding: [0, 1, 0], dilation: [2, 1, 1] } },
  } // prettier-ignore

  it.each(Object.entries(cases))('%s: gradients, adjoint of conv3d', (_, { Ci, Co, options }) => {
    const [input, bias] = [draw([2, Ci, 3, 2, 4]), draw([Co])]
    const weight = draw([Ci, Co / (options.groups ?? 1), 3, 2, 3])
    const backward = (g: NdArray) => convTranspose3d.backward(g, input, weight, options)
    expectGradient(
      (x) => convTranspose3d.forward(x, weight, bias, options),
      input,
      (g) => backward(g).gradInput,
    )
    expectGradient(
      (x) => convTranspose3d.forward(input, x, bias, options),
      weight,
      (g) => backward(g).gradWeight,
    )
    expectGradient(
      (x) => convTranspose3d.forward(input, weight, x, options),
      bias,
      (g) => backward(g).gradBias,
    )
    const output = convTranspose3d.forward(input, weight, null, options)
    const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options
    const { gradInput } = conv3d.backward(input, zeros(output.shape), weight, null, {
      stride,
      padding,
      dilation,
      groups,
    })
    expect(relativeError(output, gradInput)).toBeLessThan(1e-12)
  })
})

describe('label-conv3d', () => {
  const cases: Record<string, { Co: number; kernel: number[]; options: labelConv3d.LabelConv3dOptions }> = {
    'default': { Co: 3, kernel: [3, 3, 3], options: {} },
    'an odd kernel': { Co: 2, kernel: [1, 3, 5], options: {} },
    'sigmoid': { Co: 1, kernel: [3, 3, 3], options: { activation: 'sigmoid' } },
  } // prettier-ignore

  it.each(Object.entries(cases))(
    '%s: conv3d of the one-hot volume, gradients',
    (_, { Co, kernel, options }) => {
      const classes = 4
      // Up to 5: some are no class.
      const labels = map(draw([2, 1, 3, 5, 4], 0, 6), Math.floor)
      const [weight, bias] = [draw([Co, classes, ...kernel]), draw([Co])]
      const hot = labelConv3d.oneHot(labels, classes)
      expect(
        relativeError(
          labelConv3d.forward(labels, weight, bias, options),
          conv3d.forward(hot, weight, bias, options),
        ),
      ).toBeLessThan(1e-12)
      const backward = (g: NdArray) => labelConv3d.backward(g, labels, weight, bias, options)
      expectGradient(
        (x) => conv3d.forward(x, weight, bias, options),
        hot,
        (g) => backward(g).gradLabels,
      )
      expectGradient(
        (x) => labelConv3d.forward(labels, x, bias, options),
        weight,
        (g) => backward(g).gradWeight,
      )
      expectGradient(
        (x) => labelConv3d.forward(labels, weight, x, options),
        bias,
        (g) => backward(g).gradBias,
      )
    },
  )
})

describe('linear', () => {
  it('gradients', () => {
    const [input, weight, bias] = [draw([2, 3, 5]), draw([4, 5]), draw([4])]
    const backward = (g: NdArray) => linear.backward(g, input, weight)
    expectGradient(
      (x) => linear.forward(x, weight, bias),
      input,
      (g) => backward(g).gradInput,
    )
    expectGradient(
      (x) => linear.forward(input, x, bias),
      weight,
      (g) => backward(g).gradWeight,
    )
    expectGradient(
      (x) => linear.forward(input, weight, x),
      bias,
      (g) => backward(g).gradBias,
    )
  })
})

describe('max-pool3d', () => {
  it('gradient, odd sizes', () => {
    const input = shuffled([2, 2, 3, 5, 4])
    expect(maxPool3d.forward(input).shape).toEqual([2, 2, 1, 2, 2])
    expectGradient(
      (x) => maxPool3d.forward(x),
      input,
      (g) => maxPool3d.backward(g, input).gradInput,
    )
  })

  it('gradient, windows that overlap and stand out', () => {
    const input = shuffled([2, 2, 3, 5, 4])
    const options = { kernelSize: [3, 2, 3], stride: [1, 2, 2], padding: [1, 0, 1] } as const
    expect(maxPool3d.forward(input, options).shape).toEqual([2, 2, 3, 2, 2])
    expectGradient(
      (x) => maxPool3d.forward(x, options),
      input,
      (g) => maxPool3d.backward(g, input, options).gradInput,
    )
  })
})

describe('avg-pool3d', () => {
  it.each([{ kernelSize: 2 }, { kernelSize: [3, 2, 3], stride: [1, 2, 2], padding: [1, 0, 1] }] as const)(
    '%j: gradient',
    (options) => {
      const input = draw([2, 2, 3, 5, 4])
      expectGradient(
        (x) => avgPool3d.forward(x, options),
        input,
        (g) => avgPool3d.backward(g, input, options).gradInput,
      )
    },
  )

  it('counts zeros of the padding', () => {
    const input = map(zeros([1, 1, 1, 1, 2]), () => 8)
    const { data } = avgPool3d.forward(input, { kernelSize: 2, padding: 1, stride: 1 })
    expect([...data.slice(0, 3)]).toEqual([1, 2, 1])
  })
})

describe('upsample-nearest, upsample-trilinear and concat', () => {
  it.each([2, [1, 3, 2]] as const)('trilinear upsampling by %j: gradient, ones stay ones', (scale) => {
    const input = draw([2, 2, 3, 1, 2])
    expectGradient(
      (x) => upsampleTrilinear.forward(x, scale),
      input,
      (g) => upsampleTrilinear.backward(g, scale).gradInput,
    )
    const ones = upsampleTrilinear.forward(
      map(input, () => 1),
      scale,
    )
    expect(Math.max(...ones.data.map((value) => Math.abs(value - 1)))).toBeLessThan(1e-12)
  })

  it('upsampling by another scale: gradient', () => {
    expectGradient(
      (x) => upsampleNearest.forward(x, [1, 3, 2]),
      draw([2, 2, 3, 1, 2]),
      (g) => upsampleNearest.backward(g, [1, 3, 2]).gradInput,
    )
  })

  it('upsampling: gradient', () => {
    expectGradient(
      (x) => upsampleNearest.forward(x),
      draw([2, 2, 3, 1, 2]),
      (g) => upsampleNearest.backward(g).gradInput,
    )
  })

  it('concat: channels in order, gradients', () => {
    const inputs = [draw([2, 1, 2, 3, 1]), draw([2, 3, 2, 3, 1])] as const
    const output = concat.forward(inputs)
    expect(output.shape).toEqual([2, 4, 2, 3, 1])
    expect(output.data[at(output.shape, 1, 3, 1, 2, 0)]).toBe(inputs[1].data.at(-1))
    const backward = (g: NdArray) => concat.backward(g, inputs).gradInputs
    expectGradient(
      (x) => concat.forward([x, inputs[1]]),
      inputs[0],
      (g) => backward(g)[0]!,
    )
    expectGradient(
      (x) => concat.forward([inputs[0], x]),
      inputs[1],
      (g) => backward(g)[1]!,
    )
  })
})

describe('the voxel-wise operations', () => {
  const shape = [2, 4, 3, 5, 1]
  const logits = draw(shape, -3, 3)
  const prior = drawPrior(shape)
  const noise = draw(shape, 0, 1)

  it('softmax and log-softmax: gradients', () => {
    expectGradient(softmax.softmax, logits, (g) => softmax.softmaxBackward(g, logits).gradInput)
    expectGradient(softmax.logSoftmax, logits, (g) => softmax.logSoftmaxBackward(g, logits).gradInput)
  })

  it('log-sum-exp: gradient', () => {
    expectGradient(logSumExp.forward, logits, (g) => logSumExp.backward(g, logits).gradInput)
  })

  it('gumbel-softmax: gradient of the soft sample', () => {
    expectGradient(
      (x) => gumbelSoftmax.forward(x, noise, 2 / 3, false),
      logits,
      (g) => gumbelSoftmax.backward(g, logits, noise, 2 / 3).gradLogits,
    )
  })

  it('cross-entropy: gradients, mean over voxels and batch', () => {
    const target = draw(shape, 0, 1) // not summing to 1
    for (const reduction of ['mean', 'sum'] as const) {
      expectGradient(
        (x) => crossEntropy.forward(x, target, reduction),
        logits,
        (g) => crossEntropy.backward(g, logits, target, reduction).gradLogits,
      )
    }
    const [mean, total] = [crossEntropy.forward(logits, target), crossEntropy.forward(logits, target, 'sum')]
    expect(mean.data[0]! * 2 * 3 * 5).toBeCloseTo(total.data[0]!, 9)
  })

  it('dropout: gradient', () => {
    expectGradient(
      (x) => dropout.forward(x, 0.4, 5, 6, 7),
      logits,
      (g) => dropout.backward(g, 0.4, 5, 6, 7).gradInput,
    )
  })

  it('soft-dice: gradient', () => {
    const target = draw(shape, 0, 1)
    expectGradient(
      (x) => softDice.forward(x, target, 0.5),
      prior,
      (g) => softDice.backward(g, prior, target, 0.5).gradProbabilities,
    )
  })

  it('kl-divergence: gradient, also behind the support mask', () => {
    expectGradient(
      (x) => klDivergence.forward(x, prior),
      logits,
      (g) => klDivergence.backward(g, logits, prior).gradLogits,
    )
    expectGradient(
      (x) => klDivergence.forward(supportMask.forward(x, prior), prior),
      logits,
      (g) => {
        const { gradLogits } = klDivergence.backward(g, supportMask.forward(logits, prior), prior)
        return supportMask.backward(gradLogits, prior).gradLogits
      },
    )
  })
})

describe('mrf', () => {
  const logTable = map(draw([4, 4], 0.01, 1), Math.log) // not symmetric
  const pi = softmax.softmax(draw([2, 4, 3, 5, 4], -2, 2))

  it.each([3, 5])('k = %i: gradients', (k) => {
    expectGradient(
      (x) => mrf.neighbourSums(x, k),
      pi,
      (g) => mrf.neighbourSumsBackward(g, k).gradPi,
    )
    expectGradient(
      (x) => mrf.mrfMessage(x, logTable, k),
      pi,
      (g) => mrf.mrfMessageBackward(g, logTable, k).gradPi,
    )
    expectGradient(
      (x) => mrf.mrfEnergy(x, logTable, k),
      pi,
      (g) => mrf.mrfEnergyBackward(g, pi, logTable, k).gradPi,
    )
  })
})

describe('squared-error, sum, add, scale', () => {
  const [a, b] = [draw([2, 3, 3, 1, 5]), draw([2, 3, 3, 1, 5])]

  it('gradients', () => {
    const squared = (g: NdArray) => squaredError.backward(g, a, b)
    expectGradient(
      (x) => squaredError.forward(x, b),
      a,
      (g) => squared(g).gradInput,
    )
    expectGradient(
      (x) => squaredError.forward(a, x),
      b,
      (g) => squared(g).gradTarget,
    )
    expectGradient(sum.forward, a, (g) => sum.backward(g, a).gradInput)
    expectGradient(
      (x) => elementwise.add(x, b),
      a,
      (g) => elementwise.addBackward(g).gradA,
    )
    expectGradient(
      (x) => elementwise.add(a, x),
      b,
      (g) => elementwise.addBackward(g).gradB,
    )
    expectGradient(
      (x) => elementwise.scale(x, -3),
      a,
      (g) => elementwise.scaleBackward(g, -3).gradInput,
    )
  })
})

describe('instance-norm', () => {
  const input = draw([2, 3, 3, 5, 4])
  const [weight, bias] = [draw([3]), draw([3])]

  it('gradients, with and without the affine part', () => {
    const backward = (g: NdArray) => instanceNorm.backward(g, input, weight)
    expectGradient(
      (x) => instanceNorm.forward(x, weight, bias),
      input,
      (g) => backward(g).gradInput,
    )
    expectGradient(
      (x) => instanceNorm.forward(input, x, bias),
      weight,
      (g) => backward(g).gradWeight,
    )
    expectGradient(
      (x) => instanceNorm.forward(input, weight, x),
      bias,
      (g) => backward(g).gradBias,
    )
    expectGradient(
      (x) => instanceNorm.forward(x, null, null),
      input,
      (g) => instanceNorm.backward(g, input, null).gradInput,
    )
  })
})

describe('group-norm and batch-norm', () => {
  const input = draw([2, 4, 3, 5, 2])
  const [weight, bias] = [draw([4]), draw([4])]
  const running = { mean: draw([4]), variance: draw([4], 0.1, 2) }
  const cases = {
    'group-norm': {
      forward: (x: NdArray, w: NdArray, b: NdArray) => groupNorm.forward(x, 2, w, b),
      backward: (g: NdArray) => groupNorm.backward(g, input, 2, weight),
    },
    'batch-norm': {
      forward: (x: NdArray, w: NdArray, b: NdArray) => batchNorm.forward(x, w, b),
      backward: (g: NdArray) => batchNorm.backward(g, input, weight),
    },
    'batch-norm by running statistics': {
      forward: (x: NdArray, w: NdArray, b: NdArray) => batchNorm.forwardBy(x, running, w, b),
      backward: (g: NdArray) => batchNorm.backwardBy(g, input, running, weight),
    },
  }

  it.each(Object.entries(cases))('%s: gradients', (_, { forward, backward }) => {
    expectGradient(
      (x) => forward(x, weight, bias),
      input,
      (g) => backward(g).gradInput,
    )
    expectGradient(
      (x) => forward(input, x, bias),
      weight,
      (g) => backward(g).gradWeight,
    )
    expectGradient(
      (x) => forward(input, weight, x),
      bias,
      (g) => backward(g).gradBias,
    )
  })
})

describe('arithmetic and sums over axes', () => {
  it.each(Object.keys(arithmetic.operations) as arithmetic.Name[])('%s: gradients', (name) => {
    for (const [shapeA, shapeB] of [
      [
        [2, 3, 1, 4],
        [3, 5, 1],
      ],
      [[1], [2, 3]],
    ]) {
      const [a, b] = [draw(shapeA!, 0.5, 2), draw(shapeB!, 0.5, 2)]
      expectGradient(
        (x) => arithmetic.forward(name, x, b),
        a,
        (g) => arithmetic.backward(name, g, a, b).gradA,
      )
      expectGradient(
        (x) => arithmetic.forward(name, a, x),
        b,
        (g) => arithmetic.backward(name, g, a, b).gradB,
      )
    }
  })

  it('sums: gradient', () => {
    const input = draw([2, 3, 4, 5])
    expect(arithmetic.sumAxes(input, [0, 2]).shape).toEqual([1, 3, 1, 5])
    expectGradient(
      (x) => arithmetic.sumAxes(x, [0, 2]),
      input,
      (g) => arithmetic.sumAxesBackward(g, input).gradInput,
    )
  })
})
