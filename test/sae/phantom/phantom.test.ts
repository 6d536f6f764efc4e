import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { diceScores, meanDice } from '../../../src/sae/metrics/dice.js'
import { checkLabelTable, foregroundClasses } from '../../../src/sae/labels/label-table.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import { priorArgmax } from '../../../src/sae/prior/prior.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import { userError } from '../../io/support.js'

const K = phantomTable.classes.length
const foreground = foregroundClasses(phantomTable)

function digest(...arrays: Uint8Array[] | Float32Array[]): string {
  const hash = createHash('sha256')
  for (const array of arrays) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  return hash.digest('hex').slice(0, 16)
}

/** A Gaussian mixture with the prior as its weights, fitted to one scan by expectation maximisation. */
function fitMixture(scan: Float32Array, prior: Float32Array): Uint8Array {
  const voxels = scan.length
  const posterior = prior.slice()
  for (let iteration = 0; iteration < 15; iteration++) {
    const gaussians = Array.from({ length: K }, (_, c) => {
      let [weight, sum, squares] = [0, 0, 0]
      for (let i = 0; i < voxels; i++) {
        const p = posterior[c * voxels + i]!
        weight += p
        sum += p * scan[i]!
        squares += p * scan[i]! ** 2
      }
      const mean = sum / weight
      return { mean, deviation: Math.sqrt(Math.max(squares / weight - mean * mean, 4e-4)) }
    })
    for (let i = 0; i < voxels; i++) {
      let total = 0
      gaussians.forEach(({ mean, deviation }, c) => {
        const z = (scan[i]! - mean) / deviation
        total += posterior[c * voxels + i] = (prior[c * voxels + i]! * Math.exp(-0.5 * z * z)) / deviation
      })
      for (let c = 0; c < K; c++) posterior[c * voxels + i]! /= total
    }
  }
  return priorArgmax(posterior, K)
}

describe('makePhantom', () => {
  const shape: SpatialShape = [40, 48, 40]
  const phantom = makePhantom({ seed: 1, shape, subjects: 3 })

  it('gives the same bits for the same seed, whatever the number of subjects', () => {
    const again = makePhantom({ seed: 1, shape, subjects: 1 })
    expect(again.subjects[0]).toEqual(phantom.subjects[0])
    expect(again.unpaired).toEqual(phantom.unpaired)
    expect(makePhantom({ seed: 2, shape, subjects: 1 }).subjects[0]).not.toEqual(phantom.subjects[0])
  })

  it('gives the same bits on every machine', () => {
    const { scan, labels } = makePhantom({ seed: 1, shape: [16, 20, 16], subjects: 1 }).unpaired
    expect([digest(scan), digest(labels)]).toEqual(['c6eab19726adbe3d', 'd2eeebd6f7beb4cb'])
  })

  it('has scans in 0..1, zero outside the head', () => {
    for (const { scan, labels } of phantom.subjects) {
      expect(scan.every((value) => value >= 0 && value <= 1)).toBe(true)
      const outside = scan.filter((_, i) => labels[i] === 0)
      expect(outside.filter((value) => value === 0).length / outside.length).toBeGreaterThan(0.9)
      const corner = [0, 39, 47 * 40, 48 * 40 * 39].map((i) => scan[i])
      expect(corner).toEqual([0, 0, 0, 0])
    }
  })

  it('has every class in every subject, sorted by brightness as in a T1 scan, with overlap between neighbours', () => {
    for (const { scan, labels } of [...phantom.subjects, phantom.unpaired]) {
      const mean = Array.from({ length: K }, (_, c) => {
        const values = scan.filter((_, i) => labels[i] === c)
        return values.reduce((a, b) => a + b, 0) / values.length
      })
      expect(mean.every(Number.isFinite)).toBe(true)
      const [background, cortex, whiteMatter, ventricle, thalamus] = mean as [
        number,
        number,
        number,
        number,
        number,
      ]
      expect(background).toBeLessThan(ventricle)
      expect(ventricle).toBeLessThan(cortex)
      expect(cortex).toBeLessThan(thalamus)
      expect(thalamus).toBeLessThan(whiteMatter)
      const putamen = scan.filter((_, i) => labels[i] === 5)
      expect(putamen.filter((value) => value > thalamus).length / putamen.length).toBeGreaterThan(0.02)
    }
  })

  it('differs between subjects by enough that a segmenter must look at the scan, which tells it much', () => {
    const prior = priorFromLabels(phantom.unpaired.labels, shape, K)
    const atlas = priorArgmax(prior, K)
    const score = (predicted: Uint8Array, truth: Uint8Array): number =>
      meanDice(diceScores(predicted, truth, K), foreground)
    const before = phantom.subjects.map(({ labels }) => score(atlas, labels))
    const after = phantom.subjects.map(({ scan, labels }) => score(fitMixture(scan, prior), labels))
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length
    expect(mean(before)).toBeGreaterThan(0.5)
    expect(mean(before)).toBeLessThan(0.7)
    expect(mean(after)).toBeGreaterThan(mean(before) + 0.1)
    after.forEach((value, i) => {
      expect(value).toBeGreaterThan(before[i]!)
    })
  })

  it('makes subjects alike without variability, and clean scans without noise', () => {
    const { subjects, unpaired } = makePhantom({ shape: [24, 24, 24], subjects: 1, variability: 0, noise: 0 })
    expect(subjects[0]!.labels).toEqual(unpaired.labels)
    expect(subjects[0]!.scan).not.toEqual(unpaired.scan)
  })

  it.each<SpatialShape>([
    [16, 16, 16],
    [17, 31, 22],
  ])('takes odd and small shapes: %i x %i x %i', (...odd) => {
    const { unpaired } = makePhantom({ shape: odd, subjects: 1 })
    expect(unpaired.scan.length).toBe(odd[0] * odd[1] * odd[2])
    expect(new Set(unpaired.labels).size).toBe(K)
  })

  it('refuses settings out of range', () => {
    expect(userError(() => makePhantom({ shape: [15, 16, 16] }))).toContain('15x16x16')
    expect(userError(() => makePhantom({ shape: [16, 16.5, 16] }))).toContain('16.5')
    expect(userError(() => makePhantom({ shape, subjects: 0 }))).toContain('0 subjects')
    expect(userError(() => makePhantom({ shape, variability: NaN }))).toContain('variability NaN')
    expect(userError(() => makePhantom({ shape, noise: -1 }))).toContain('noise -1')
  })
})

describe('phantomTable', () => {
  it('is a sound label table', () => {
    expect(checkLabelTable(phantomTable, 'phantom')).toBe(phantomTable)
    expect(foreground).toEqual([1, 2, 3, 4, 5, 6, 7])
  })
})
