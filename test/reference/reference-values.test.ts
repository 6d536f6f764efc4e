/** What the references compute, on cases small enough to work out by hand. */
import { describe, expect, it } from 'vitest'
import * as adam from './adam.js'
import * as concat from './concat.js'
import * as conv3d from './conv3d.js'
import * as crossEntropy from './cross-entropy.js'
import * as elementwise from './elementwise.js'
import * as gumbelSoftmax from './gumbel-softmax.js'
import * as instanceNorm from './instance-norm.js'
import * as klDivergence from './kl-divergence.js'
import * as logSumExp from './log-sum-exp.js'
import * as maxPool3d from './max-pool3d.js'
import * as mrf from './mrf.js'
import * as neighbourSums from './neighbour-sums.js'
import { at, fromArray, maxAbsError, mulberry32, relativeError, uniform, zeros } from './nd-array.js'
import * as softmax from './softmax.js'
import * as squaredError from './squared-error.js'
import * as sum from './sum.js'
import * as supportMask from './support-mask.js'
import * as upsampleNearest from './upsample-nearest.js'

const random = mulberry32(21)
const draw = (shape: readonly number[], low = -1, high = 1) => uniform(shape, random, low, high)

describe('conv3d', () => {
  it('has no bias if it is null', () => {
    const [input, weight] = [draw([1, 2, 3, 3, 3]), draw([2, 2, 3, 3, 3])]
    expect(conv3d.forward(input, weight, null)).toEqual(conv3d.forward(input, weight, zeros([2])))
  })

  it('correlates: a kernel of one at (0, 1, 1) shifts the volume up along D', () => {
    const weight = zeros([1, 1, 3, 3, 3])
    weight.data[at(weight.shape, 0, 0, 0, 1, 1)] = 1
    expect([...conv3d.forward(fromArray([1, 1, 3, 1, 1], [1, 2, 3]), weight, null).data]).toEqual([0, 1, 2])
  })

  it('keeps groups apart: each is a convolution of its own', () => {
    const [first, second] = [draw([2, 2, 3, 4, 3]), draw([2, 2, 3, 4, 3])]
    const [weightA, weightB, bias] = [draw([3, 2, 3, 3, 3]), draw([3, 2, 3, 3, 3]), draw([3])]
    const grouped = conv3d.forward(
      concat.forward([first, second]),
      fromArray([6, 2, 3, 3, 3], [...weightA.data, ...weightB.data]),
      fromArray([6], [...bias.data, ...bias.data]),
      { groups: 2 },
    )
    const apart = [conv3d.forward(first, weightA, bias), conv3d.forward(second, weightB, bias)]
    expect(grouped).toEqual(concat.forward(apart))
  })

  it('keeps the size under an even kernel by one more zero behind the last voxel', () => {
    const [input, weight] = [fromArray([1, 1, 3, 1, 1], [1, 2, 3]), fromArray([1, 1, 2, 1, 1], [10, 1])]
    expect([...conv3d.forward(input, weight, null).data]).toEqual([12, 23, 30])
  })

  it('says what is wrong', () => {
    const input = draw([1, 2, 3, 3, 3])
    expect(() => conv3d.forward(input, draw([2, 3, 3, 3, 3]), null)).toThrow('2 input channels in 1 groups')
    expect(() => conv3d.forward(input, draw([2, 2, 5, 1, 1]), null, { padding: 0 })).toThrow('larger than')
  })
})

describe('max-pool3d, upsample-nearest', () => {
  it('pooling takes the largest of eight and drops an odd plane', () => {
    const input = fromArray([1, 1, 2, 2, 3], [1, 2, 90, 3, 4, 91, 5, 6, 92, -8, 7, 93])
    expect(maxPool3d.forward(input)).toEqual(fromArray([1, 1, 1, 1, 1], [7]))
  })

  it('pooling gives the gradient of equal values to the first in scan order', () => {
    const input = fromArray([1, 1, 2, 2, 2], [0, 1, 1, 0, 1, 0, 0, 1])
    const { gradInput } = maxPool3d.backward(fromArray([1, 1, 1, 1, 1], [5]), input)
    expect([...gradInput.data]).toEqual([0, 5, 0, 0, 0, 0, 0, 0])
  })

  it('upsampling copies each voxel eight times', () => {
    const output = upsampleNearest.forward(fromArray([1, 1, 1, 1, 2], [1, 2]))
    expect(output).toEqual(fromArray([1, 1, 2, 2, 4], [1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2]))
  })
})

describe('softmax', () => {
  it('large logits do not overflow', () => {
    const { data } = softmax.softmax(fromArray([1, 3], [1000, 1001, -1e12]))
    expect(maxAbsError(data, [1 / (1 + Math.E), Math.E / (1 + Math.E), 0])).toBeLessThan(1e-12)
  })
})

describe('log-sum-exp', () => {
  it('large logits do not overflow, those that are ruled out count nothing', () => {
    const { shape, data } = logSumExp.forward(fromArray([1, 3, 1, 1, 1], [1000, 1001, -1e12]))
    expect(shape).toEqual([1, 1, 1, 1, 1])
    expect(maxAbsError(data, [1001 + Math.log(1 + Math.exp(-1))])).toBeLessThan(1e-12)
  })
})

describe('gumbel-softmax', () => {
  it('the straight-through value is the one-hot of the first largest', () => {
    const same = fromArray([1, 4], [0.5, 0.5, 0.5, 0.5])
    const sample = (values: number[]) => gumbelSoftmax.forward(fromArray([1, 4], values), same, 1, true)
    expect([...sample([0, 2, 2, 1]).data]).toEqual([0, 1, 0, 0])
    expect([...sample([-1e12, -1e12, 0, -1e12]).data]).toEqual([0, 0, 1, 0])
  })

  it('samples follow the posterior', () => {
    const [pi, draws] = [[0.1, 0.2, 0.7], 20000]
    const many = fromArray(
      [draws, 3],
      Array.from({ length: draws * 3 }, (_, i) => Math.log(pi[i % 3]!)),
    )
    const { data } = gumbelSoftmax.forward(many, draw([draws, 3], 0, 1), 0.5, true)
    const share = pi.map((_, c) => data.reduce((count, one, i) => count + (i % 3 === c ? one : 0), 0) / draws)
    expect(maxAbsError(share, pi)).toBeLessThan(0.015) // four standard deviations
  })

  it('the ends of the noise stay finite', () => {
    const ends = fromArray([1, 2], [0, 1])
    expect(gumbelSoftmax.forward(zeros([1, 2]), ends, 1, true).data).toEqual(Float64Array.of(0, 1))
  })
})

describe('support-mask, cross-entropy, kl-divergence', () => {
  it('support-mask: lowers the forbidden classes and stops their gradient', () => {
    const [values, allowed] = [fromArray([1, 3], [1, 2, 3]), fromArray([1, 3], [0.5, 1e-8, 0.99e-8])]
    expect([...supportMask.forward(values, allowed).data]).toEqual([1, 2, 3 - 1e12])
    expect([...supportMask.backward(values, allowed).gradLogits.data]).toEqual([1, 2, 0])
    expect([...supportMask.backward(values, allowed, 0.1).gradLogits.data]).toEqual([1, 0, 0])
  })

  it('cross-entropy: log C if the logits are equal', () => {
    const target = fromArray([2, 3, 1], [0, 0.5, 0.5, 1, 0, 0])
    expect(crossEntropy.forward(zeros([2, 3, 1]), target).data[0]).toBeCloseTo(Math.log(3), 12)
    expect(crossEntropy.forward(zeros([2, 3, 1]), target, 'sum').data[0]).toBeCloseTo(2 * Math.log(3), 12)
  })

  it('kl-divergence: by hand', () => {
    const { data } = klDivergence.forward(zeros([1, 2]), fromArray([1, 2], [0.25, 0.75]))
    expect(data[0]).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 9)
  })

  it('kl-divergence: 0 if posterior and prior agree, 0 log 0 = 0', () => {
    const same = fromArray([1, 3], [0, Math.log(3), -Infinity])
    expect(Math.abs(klDivergence.forward(same, fromArray([1, 3], [0.25, 0.75, 0])).data[0]!)).toBeLessThan(
      1e-9,
    )
    const { gradLogits } = klDivergence.backward(fromArray([1], [1]), same, fromArray([1, 3], [0.5, 0.5, 0]))
    expect(gradLogits.data.every(Number.isFinite)).toBe(true)
  })
})

describe('mrf', () => {
  it('counts k^3 - 1 neighbours everywhere, at the edges repeatedly', () => {
    expect([...neighbourSums.forward(fromArray([1, 1, 1, 1, 3], [1, 1, 1]), 3).data]).toEqual([26, 26, 26])
    // The nine offsets of a column: the left voxel meets itself 9 + 8 times, its right neighbour 9 times.
    expect([...neighbourSums.forward(fromArray([1, 1, 1, 1, 3], [1, 0, 0]), 3).data]).toEqual([17, 9, 0])
  })

  it('energy: by hand, of two voxels of unlike classes', () => {
    const pi = fromArray([1, 2, 1, 1, 2], [1, 0, 0, 1])
    const [same0, other0, other1, same1] = [-0.1, -2, -3, -0.2]
    const logTable = fromArray([2, 2], [same0, other0, other1, same1])
    // Each voxel meets itself 17 times and the other 9 times.
    const expected = -(17 * same0 + 9 * other0) - (17 * same1 + 9 * other1)
    expect(mrf.mrfEnergy(pi, logTable, 3).data[0]).toBeCloseTo(expected, 12)
  })

  it('tabulates the classes of neighbours; an absent class gets a uniform row', () => {
    const table = mrf.mrfTable(fromArray([1, 1, 3], [0, 0, 2]), 3, 3)
    const third = 1 / 3
    expect(
      relativeError(table.data, [43 / 52, 0, 9 / 52, third, third, third, 9 / 26, 0, 17 / 26]),
    ).toBeLessThan(1e-12)
    const rows = mrf.logMrfTable(table).data
    expect(rows[1]).toBeCloseTo(Math.log(1e-12 / (1 + 3e-12)), 12)
    expect(Math.exp(rows[0]!) + Math.exp(rows[1]!) + Math.exp(rows[2]!)).toBeCloseTo(1, 12)
  })

  it('refuses even neighbourhoods', () => {
    expect(() => neighbourSums.forward(zeros([1, 1, 1, 1, 1]), 4)).toThrow('must be odd, 3 to 21, got 4')
  })
})

describe('squared-error, sum, add, scale', () => {
  it('give what was computed by hand', () => {
    const [x, y] = [fromArray([2], [1, 5]), fromArray([2], [3, 4])]
    expect([...squaredError.forward(x, y).data]).toEqual([5])
    expect([...sum.forward(x).data]).toEqual([6])
    expect([...elementwise.add(x, y).data]).toEqual([4, 9])
    expect([...elementwise.scale(x, 2).data]).toEqual([2, 10])
  })
})

describe('instance-norm', () => {
  it('gives every instance mean 0 and variance 1', () => {
    const { data } = instanceNorm.forward(draw([2, 3, 3, 5, 4]), null, null, 0)
    const one = data.subarray(0, 60)
    expect(Math.abs(one.reduce((total, x) => total + x, 0))).toBeLessThan(1e-10)
    expect(one.reduce((total, x) => total + x * x, 0) / 60).toBeCloseTo(1, 10)
  })
})

describe('adam', () => {
  const start = adam.initialState(fromArray([2], [1, -2]))

  it('moves each parameter by the learning rate at the first step, whatever the gradient is', () => {
    const { parameter, step } = adam.adamStep(start, fromArray([2], [1e-3, -50]), { learningRate: 0.1 })
    expect(step).toBe(1)
    expect(maxAbsError(parameter.data, [0.9, -1.9])).toBeLessThan(1e-5)
  })

  it('adds the weight decay to the gradient', () => {
    const options = { learningRate: 0.1, epsilon: 1 }
    const decayed = adam.adamStep(start, fromArray([2], [0.5, 0.5]), { ...options, weightDecay: 0.3 })
    expect(decayed).toEqual(adam.adamStep(start, fromArray([2], [0.5 + 0.3, 0.5 - 0.6]), options))
  })

  it('clips all gradients by their common norm', () => {
    const gradients = [fromArray([2], [3, 0]), fromArray([1], [4])]
    const clipped = adam.clipGradients(gradients, 1)
    expect(clipped.norm).toBe(5)
    const factor = 1 / (5 + 1e-6)
    expect(clipped.gradients.map(({ data }) => [...data])).toEqual([[3 * factor, 0], [4 * factor]])
    expect(adam.clipGradients(gradients, 6).gradients).toEqual(gradients)
  })
})
