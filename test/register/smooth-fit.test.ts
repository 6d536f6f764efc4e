import { describe, expect, it } from 'vitest'
import { composeFields, inWorld, leastJacobian, zeroField } from '../../src/register/field.js'
import { likenessOfLabels, likenessOfScan } from '../../src/register/likeness.js'
import { Pullback } from '../../src/register/pullback.js'
import { fitSmooth } from '../../src/register/smooth-fit.js'
import { diceScores } from '../../src/sae/metrics/dice.js'
import { phantomTable } from '../../src/sae/phantom/phantom.js'
import { affine, diagonal } from '../../src/sae/synth/affine.js'
import { warpImage, warpLabels } from '../../src/sae/synth/warp.js'
import { grid, otherContrast, phantom, placedScan } from './phantoms.js'

const same = affine(diagonal([1, 1, 1]), [0, 0, 0])
const subject = phantom(3)
const scan = placedScan(subject)
const count = phantomTable.classes.length

/** A bulge of 2 voxels along H around the centre. */
function bulge(): ReturnType<typeof zeroField> {
  const field = zeroField(grid.shape)
  field[1].forEach((_, i) => {
    const [d, h, w] = [Math.floor(i / 1600) - 19.5, (Math.floor(i / 40) % 40) - 19.5, (i % 40) - 19.5]
    field[1][i] = 2 * Math.exp(-(d * d + h * h + w * w) / (2 * 9 * 9))
  })
  return field
}

describe('fitSmooth', () => {
  it('leaves equal scans as they are', () => {
    const { transform, leastJacobian: least } = fitSmooth(scan, same, likenessOfScan(scan))
    expect(least).toBeGreaterThan(0.9)
    const furthest = Math.max(...transform.field!.data.map((axis) => Math.max(...axis.map(Math.abs))))
    expect(furthest).toBeLessThan(1)
  })

  it('undoes most of a bulge, in another contrast, without folding', () => {
    const bent = new Pullback(scan, grid, { map: same, field: inWorld(bulge(), grid) })
    const target = { ...grid, data: warpImage(scan.data, bent) }
    const truth = warpLabels(subject.labels, bent)
    const { transform, leastJacobian: least } = fitSmooth(target, same, likenessOfScan(otherContrast(scan)))
    expect(least).toBeGreaterThan(0)
    const mean = (labels: Uint8Array): number => {
      return (
        diceScores(labels, truth, count)
          .slice(1)
          .reduce((sum, score) => sum + score, 0) /
        (count - 1)
      )
    }
    const before = mean(subject.labels)
    const after = mean(warpLabels(subject.labels, new Pullback(scan, grid, transform)))
    expect(1 - after).toBeLessThan(0.6 * (1 - before))
  })

  it('does the same from a label map', () => {
    const bent = new Pullback(scan, grid, { map: same, field: inWorld(bulge(), grid) })
    const target = { ...grid, data: warpImage(scan.data, bent) }
    const labels = { ...grid, data: subject.labels, count }
    const { transform } = fitSmooth(target, same, likenessOfLabels(labels))
    const truth = warpLabels(subject.labels, bent)
    const wrong = (map: Uint8Array): number => map.reduce((sum, c, i) => sum + Number(c !== truth[i]), 0)
    const after = wrong(warpLabels(subject.labels, new Pullback(scan, grid, transform)))
    expect(after).toBeLessThan(0.7 * wrong(subject.labels))
  })
})

describe('fields', () => {
  it('compose as maps do', () => {
    const shape = [12, 12, 12] as const
    const [shift, step] = [zeroField(shape), zeroField(shape)]
    shift[0].forEach((_, i) => (shift[0][i] = 0.1 * Math.floor(i / 144)))
    step[0].fill(2)
    const both = composeFields(shift, step, shape)
    // x -> x + 2 -> 1.1 (x + 2)
    expect(both[0][4 * 144]! + 4).toBeCloseTo(1.1 * 6, 5)
  })

  it('tell folds by their determinant', () => {
    const shape = [8, 8, 8] as const
    const field = zeroField(shape)
    field[2].forEach((_, i) => (field[2][i] = -0.25 * (i % 8)))
    expect(leastJacobian(field, shape)).toBeCloseTo(0.75, 6)
    field[2].forEach((_, i) => (field[2][i] = -1.5 * (i % 8)))
    expect(leastJacobian(field, shape)).toBeCloseTo(-0.5, 6)
  })
})
