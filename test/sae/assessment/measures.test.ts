import { describe, expect, it } from 'vitest'
import {
  classMeansError,
  classStatistics,
  gaussianCost,
  meanSquaredError,
} from '../../../src/sae/assessment/class-statistics.js'
import { classVolumes } from '../../../src/sae/assessment/class-volumes.js'
import { crossEntropyToPrior } from '../../../src/sae/assessment/cross-entropy.js'
import { foregroundOf } from '../../../src/sae/assessment/foreground.js'
import { overlapOf } from '../../../src/sae/assessment/overlap.js'
import { summarisePrior } from '../../../src/sae/assessment/prior-summary.js'
import { everyNth } from '../../../src/sae/assessment/sampling.js'
import { identityTable } from '../../../src/sae/labels/label-table.js'
import { Random } from '../../../src/sae/phantom/random.js'
import type { Prior } from '../../../src/sae/prior/prior.js'
import { sampledShape } from '../../../src/sae/separable-filter.js'

const shape = [3, 5, 7] as const
const voxels = 105
const K = 4

function randomPrior(seed: number): Prior {
  const random = new Random(seed)
  const data = new Float32Array(K * voxels)
  for (let i = 0; i < voxels; i++) {
    const weights = Array.from({ length: K }, (_, c) => (c === 2 && i % 3 > 0 ? 0 : random.uniform()))
    const total = weights.reduce((a, b) => a + b)
    weights.forEach((weight, c) => (data[c * voxels + i] = weight / total))
  }
  return { data, classes: K, shape }
}

function randomClasses(seed: number): Uint8Array {
  const random = new Random(seed)
  return Uint8Array.from({ length: voxels }, () => Math.floor(random.uniform() * K))
}

function randomScan(seed: number): Float32Array {
  const random = new Random(seed)
  return Float32Array.from({ length: voxels }, () => random.uniform())
}

describe('summarisePrior', () => {
  it('counts what the prior expects, what its argmax has, and its entropy', () => {
    const prior = randomPrior(1)
    const { expectedVoxels, argmax, argmaxVoxels, entropy } = summarisePrior(prior, identityTable(K))
    let naive = 0
    const mass = [0, 0, 0, 0]
    for (let i = 0; i < voxels; i++) {
      for (let c = 0; c < K; c++) {
        const p = prior.data[c * voxels + i]!
        mass[c]! += p
        if (p > 0) naive -= (p * Math.log(p)) / voxels
      }
    }
    expect(entropy).toBeCloseTo(naive, 10)
    mass.forEach((sum, c) => {
      expect(expectedVoxels[c]).toBeCloseTo(sum, 10)
      expect(argmaxVoxels[c]).toBe(argmax.filter((k) => k === c).length)
    })
  })

  it('refuses a table of another size', () => {
    expect(() => summarisePrior(randomPrior(1), identityTable(5))).toThrow(/5 classes for a prior of 4/)
  })
})

describe('overlapOf', () => {
  it('leaves out classes that neither map has, the background and the rest', () => {
    const table = { ...identityTable(5), rest: 4 }
    const { perClass, mean } = overlapOf(Uint8Array.of(0, 1, 1, 4), Uint8Array.of(0, 1, 3, 4), table)
    expect(perClass).toEqual([1, 3 / 4, undefined, 1 / 2, 1])
    expect(mean).toBe((3 / 4 + 1 / 2) / 2)
    expect(overlapOf(Uint8Array.of(0, 4), Uint8Array.of(4, 0), table).mean).toBeUndefined()
  })
})

describe('class statistics', () => {
  const [scan, classes] = [randomScan(2), randomClasses(3)]
  const statistics = classStatistics(scan, classes)
  const of = (c: number): number[] => [...scan].filter((_, i) => classes[i] === c)

  it('are means and variances', () => {
    for (let c = 0; c < K; c++) {
      const values = of(c)
      const mean = values.reduce((a, b) => a + b) / values.length
      expect(statistics.counts[c]).toBe(values.length)
      expect(statistics.means[c]).toBeCloseTo(mean, 12)
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
      expect(statistics.variances[c]).toBeCloseTo(squares / values.length, 12)
    }
    expect([statistics.counts[K], statistics.means[K], statistics.variances[K]]).toEqual([0, 0, 0])
    expect(() => classStatistics(scan, classes.subarray(1))).toThrow(RangeError)
  })

  it('give the error of class means and the cost of Gaussians', () => {
    let [error, cost] = [0, 0]
    const least = Math.sqrt((statistics.variances[0]! + statistics.variances[1]!) / 2) // above one of the two
    for (let i = 0; i < voxels; i++) {
      const c = classes[i]!
      const squared = (scan[i]! - statistics.means[c]!) ** 2
      const variance = Math.max(least ** 2, statistics.variances[c]!)
      error += squared / voxels
      cost -= Math.log(Math.exp(-squared / (2 * variance)) / Math.sqrt(2 * Math.PI * variance)) / voxels
    }
    expect(classMeansError(statistics)).toBeCloseTo(error, 12)
    expect(gaussianCost(statistics, least)).toBeCloseTo(cost, 12)
    expect(gaussianCost(classStatistics(new Float32Array(7), new Uint8Array(7)), 0.1)).toBeCloseTo(
      Math.log(0.1 * Math.sqrt(2 * Math.PI)),
      12,
    )
  })

  it('keep their digits if the contrast is small against the intensity', () => {
    const faint = Float32Array.from({ length: 1000 }, (_, i) => 4096 + (i % 2) / 1024)
    expect(classMeansError(classStatistics(faint, new Uint8Array(1000)))).toBeCloseTo(2 ** -22, 12)
  })
})

describe('meanSquaredError', () => {
  it('is a mean over voxels', () => {
    expect(meanSquaredError(Float32Array.of(0, 1, 2), Float32Array.of(1, 1, 4))).toBeCloseTo(5 / 3, 12)
    expect(() => meanSquaredError(new Float32Array(3), new Float32Array(4))).toThrow(RangeError)
  })
})

describe('crossEntropyToPrior', () => {
  it('is -sum q log(p + 1e-12), of probabilities and of classes', () => {
    const [prior, q] = [randomPrior(4), randomPrior(5)]
    const classes = randomClasses(6)
    let [soft, hard] = [0, 0]
    for (let i = 0; i < voxels; i++) {
      for (let c = 0; c < K; c++) {
        const cost = -Math.log(prior.data[c * voxels + i]! + 1e-12) / voxels
        soft += q.data[c * voxels + i]! * cost
        if (classes[i] === c) hard += cost
      }
    }
    expect(crossEntropyToPrior(prior, q.data)).toBeCloseTo(soft, 6)
    expect(crossEntropyToPrior(prior, classes)).toBeCloseTo(hard, 10)
    const { entropy } = summarisePrior(prior, identityTable(K))
    expect(crossEntropyToPrior(prior, prior.data)).toBeCloseTo(entropy, 6)
    expect(() => crossEntropyToPrior(prior, q.data.subarray(1))).toThrow(RangeError)
  })
})

describe('foregroundOf', () => {
  /** A fifth of the voxels is tissue, which reaches down to a tenth of the brightest. */
  const tissue = Float32Array.from({ length: 5000 }, (_, i) =>
    i % 5 === 0 ? 0.1 + 0.9 * ((i / 5000) % 1) : 0,
  )
  const expected = Uint8Array.from(tissue, (value) => Number(value > 0))

  it('is what is not zero in a skull-stripped scan', () => {
    expect(foregroundOf(tissue)).toEqual(expected)
  })

  it('is the same in other units, beside another level, with noise and with hot voxels', () => {
    const random = new Random(7)
    expect(foregroundOf(tissue.map((value) => 250 * value - 3))).toEqual(expected)
    expect(foregroundOf(tissue.map((value) => value + 1e-6 * (random.uniform() - 0.5)))).toEqual(expected)
    expect(foregroundOf(tissue.map((value) => value + 0.02 * random.uniform()))).toEqual(expected)
    const hot = tissue.slice()
    hot[1] = 1000
    expect(foregroundOf(hot)).toEqual(expected.map((inside, i) => (i === 1 ? 1 : inside)))
  })

  it('is everything if the scan was cropped to the head, and nothing in an empty one', () => {
    const cropped = Float32Array.from({ length: 1000 }, (_, i) => 0.2 + (0.8 * i) / 1000)
    expect(foregroundOf(cropped)).toEqual(new Uint8Array(1000).fill(1))
    expect(foregroundOf(new Float32Array(1000))).toEqual(new Uint8Array(1000))
    const nearly = new Float32Array(5000)
    nearly[17] = 1
    expect(foregroundOf(nearly).reduce((a, b) => a + b)).toBe(1)
  })
})

describe('everyNth', () => {
  it('keeps the voxels whose indices are multiples, of every channel', () => {
    const volume = Uint8Array.from({ length: 2 * voxels }, (_, i) => i)
    const kept = everyNth(volume, shape, 2)
    expect(sampledShape(shape, 2)).toEqual([2, 3, 4])
    const expected = [0, 1].flatMap((c) =>
      [0, 2].flatMap((d) => [0, 2, 4].flatMap((h) => [0, 2, 4, 6].map((w) => ((c * 3 + d) * 5 + h) * 7 + w))),
    )
    expect(kept).toEqual(Uint8Array.from(expected))
    expect(everyNth(volume, shape, 1)).toBe(volume)
  })
})

describe('classVolumes', () => {
  /** Expects 900, 60, 30, 9 and 0 voxels; its argmax lacks class 2. */
  const data = new Float32Array(5 * 1000)
  for (let i = 0; i < 1000; i++) {
    const c = i < 840 ? 0 : i < 960 ? 1 : i < 969 ? 3 : 0
    data[c * 1000 + i] = c === 1 ? 0.5 : 1
    if (c === 1) data[(i < 900 ? 0 : 2) * 1000 + i] = 0.5
  }
  const summary = summarisePrior({ data, classes: 5, shape: [10, 10, 10] }, identityTable(5))
  const volumes = (...counts: number[]) =>
    classVolumes(Uint8Array.from(counts.flatMap((count, c) => Array<number>(count).fill(c))), summary)

  it('compares class sizes with those expected by the prior', () => {
    const [, one, two, three, four] = volumes(880, 90, 30, 0, 0)
    expect(one).toMatchObject({
      voxels: 90,
      priorVoxels: 60,
      expectedVoxels: 60,
      ratio: 1.5,
      expected: true,
    })
    expect(two).toMatchObject({ voxels: 30, priorVoxels: 0, ratio: 1, vanished: false, priorVanished: true })
    expect(three).toMatchObject({ ratio: 0, expected: false, vanished: false, absent: false })
    expect(four).toMatchObject({ ratio: undefined, absent: true, vanished: false })
  })

  it('says what vanished and what flooded', () => {
    const flags = (key: 'vanished' | 'flooded', ...counts: number[]) =>
      volumes(...counts).map((volume) => Number(volume[key]))
    expect(flags('vanished', 995, 5, 0, 0, 0)).toEqual([0, 1, 1, 0, 0])
    expect(flags('vanished', 991, 6, 3, 0, 0)).toEqual([0, 0, 0, 0, 0])
    expect(flags('flooded', 819, 181, 0, 0, 0)).toEqual([0, 1, 0, 0, 0])
    expect(flags('flooded', 820, 180, 0, 0, 0)).toEqual([0, 0, 0, 0, 0])
    // More than three times as large, but by a tenth of the anatomy's 99 voxels only.
    expect(flags('flooded', 982, 0, 0, 18, 0)).toEqual([0, 0, 0, 0, 0])
    expect(flags('flooded', 972, 0, 0, 28, 0)).toEqual([0, 0, 0, 1, 0])
    expect(flags('flooded', 980, 0, 0, 0, 20)).toEqual([0, 0, 0, 0, 1])
  })
})
