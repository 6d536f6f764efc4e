import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readVolume } from '../../../src/io/files.js'
import { batchDice, diceScores, meanDice, presentScores } from '../../../src/sae/metrics/dice.js'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { toClasses } from '../../../src/sae/labels/label-codes.js'
import { foregroundClasses } from '../../../src/sae/labels/label-table.js'
import { priorArgmax } from '../../../src/sae/prior/prior.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import type { SpatialShape } from '../../../src/sae/shape.js'

describe('diceScores', () => {
  it('is (2|P and T| + 1) / (|P| + |T| + 1) for each class', () => {
    const predicted = Uint8Array.of(0, 0, 1, 1, 2, 2)
    const truth = Uint8Array.of(0, 1, 1, 1, 1, 2)
    expect(diceScores(predicted, truth, 4)).toEqual([3 / 4, 5 / 7, 3 / 4, 1])
  })

  it('is 1 for the truth itself', () => {
    const truth = Uint8Array.from({ length: 100 }, (_, i) => i % 7)
    expect(diceScores(truth, truth, 7)).toEqual(Array(7).fill(1))
  })

  it('refuses maps of different size', () => {
    expect(() => diceScores(new Uint8Array(8), new Uint8Array(9), 2)).toThrow(RangeError)
  })

  it('refuses a class that there is not, in either map', () => {
    const [two, three] = [Uint8Array.of(0, 1, 1), Uint8Array.of(0, 1, 2)]
    for (const scores of [diceScores, presentScores]) {
      expect(() => scores(two, three, 2)).toThrow(new RangeError('voxel 2 has class 2; give 0 to 1'))
      expect(() => scores(three, two, NaN)).toThrow(RangeError)
      expect(() => scores(three, two, 2)).toThrow(new RangeError('voxel 2 has class 2; give 0 to 1'))
      expect(scores(three, two, 3)).toEqual([1, 3 / 4, 1 / 2])
    }
  })
})

describe('meanDice', () => {
  it('averages the classes that count', () => {
    expect(meanDice([1, 0.5, 0.25, 0.9], [1, 2])).toBe(0.375)
  })

  it('leaves out classes without a score', () => {
    expect(meanDice([1, 0.5, undefined, 0.9], [1, 2])).toBe(0.5)
    expect(meanDice([1, undefined], [1])).toBeNaN()
  })
})

describe('classes in neither map', () => {
  const prior = { classes: 4, shape: [1, 1, 3] as const }

  it('have no score', () => {
    const scores = presentScores(Uint8Array.of(0, 1, 1), Uint8Array.of(0, 1, 3), 4)
    expect(scores).toEqual([1, 3 / 4, undefined, 1 / 2])
  })

  it('do not count for the scan in which they are missing', () => {
    const segmentation = Uint32Array.of(0, 1, 1, 0, 0, 0)
    const truths = [Uint8Array.of(0, 1, 3), Uint8Array.of(0, 0, 0)]
    expect(batchDice(segmentation, truths, prior)).toEqual([1, 3 / 4, undefined, 1 / 2])
  })
})

describe('the public scans', () => {
  const data = process.env.SAE_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url))
  const missing = !existsSync(`${data}/labels/OASIS_0223.npz`)
  if (missing) console.warn(`SKIPPED: no real data in ${data}; set SAE_DATA to the folder that holds it`)

  it.skipIf(missing)(
    "one subject's blurred labels overlap another's by 0.514 at half size",
    { timeout: 60_000 },
    async () => {
      const half = await Promise.all(
        ['OASIS_0223', 'OASIS_0009'].map((name) => readHalf(`${data}/labels/${name}.npz`)),
      )
      const [other, truth] = half.map((labels) => toClasses(labels, freeSurferTable)) as [
        Uint8Array,
        Uint8Array,
      ]
      const prior = priorFromLabels(other, [80, 96, 112], 14, { sigma: 1.5, floor: 1e-4 })
      const scores = diceScores(priorArgmax(prior, 14), truth, 14)
      expect(meanDice(scores, foregroundClasses(freeSurferTable))).toBeCloseTo(0.514, 3)
    },
  )
})

/** A volume's `[::2, ::2, ::2]`. */
async function readHalf(path: string): Promise<Float32Array> {
  const { data, grid } = await readVolume(path)
  const [D, H, W]: SpatialShape = grid.shape
  const half: number[] = []
  for (let d = 0; d < D; d += 2) {
    for (let h = 0; h < H; h += 2) {
      for (let w = 0; w < W; w += 2) half.push(data[(d * H + h) * W + w]!)
    }
  }
  return Float32Array.from(half)
}
