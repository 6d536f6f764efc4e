import { describe, expect, it } from 'vitest'
import { reorient, reorientGrid, type Orientation } from '../../src/io/orientation.js'
import { toPlaced } from '../../src/cli/register/registration.js'
import { fitLinear } from '../../src/register/affine-fit.js'
import { inverse } from '../../src/register/placed.js'
import { affine, diagonal, rotation } from '../../src/sae/synth/affine.js'
import { phantomTable } from '../../src/sae/phantom/phantom.js'
import { seededRandom } from '../../src/nn/index.js'
import { cornerDistance, grid, moved, otherContrast, phantom, placedScan, turned } from './phantoms.js'

const names = ['fixed.nii', 'moving.nii'] as const
const subject = phantom(3)
const scan = placedScan(subject)
const nothing = affine(diagonal([1, 1, 1]), [0, 0, 0])

describe('fitLinear', () => {
  it('finds a turn by 10 degrees, another size and a shift of 15 mm, in another contrast', () => {
    const map = turned(10, 1.1, [9, -12, 0])
    const moving = otherContrast(moved(scan, map))
    const fit = fitLinear({ kind: 'scan', image: scan }, moving, 'affine', names)
    expect(cornerDistance(fit.map, map)).toBeLessThan(1)
  })

  it('finds a rigid motion without changing sizes', () => {
    const map = turned(-20, 1, [5, 10, -8])
    const fit = fitLinear({ kind: 'scan', image: scan }, moved(scan, map), 'rigid', names)
    expect(cornerDistance(fit.map, map)).toBeLessThan(1)
    const [[a, b, c]] = fit.map
    expect(Math.hypot(a, b, c)).toBeCloseTo(1, 9)
  })

  it.each([
    ['nodding', 0, -35],
    ['to the side', 1, 40],
    ['about the neck', 2, 75],
  ])('finds a turn %s further than any start', (_, axis, degrees) => {
    const tangent = Math.tan((degrees * Math.PI) / 360)
    const at = (i: number): number => (i === axis ? tangent : 0)
    const map = affine(rotation([at(0), at(1), at(2)]), [4, -6, 8])
    const fit = fitLinear({ kind: 'scan', image: scan }, moved(scan, map), 'rigid', names)
    expect(cornerDistance(fit.map, map)).toBeLessThan(1.5)
  })

  it('leaves a scan where it is', () => {
    const fit = fitLinear({ kind: 'scan', image: scan }, scan, 'affine', names)
    expect(cornerDistance(fit.map, nothing)).toBeLessThan(0.1)
  })

  it('fits a scan to a label map, whatever the order of the labels', () => {
    const map = turned(8, 0.95, [4, 6, -5])
    const count = phantomTable.classes.length
    const data = subject.labels.map((c) => (c === 0 ? 0 : count - c))
    const fit = fitLinear(
      { kind: 'labels', image: { ...grid, data, count } },
      moved(scan, map),
      'affine',
      names,
    )
    expect(cornerDistance(fit.map, map)).toBeLessThan(1.5)
  })

  it.each<Orientation>([
    { axes: [2, 0, 1], flips: [true, false, true] },
    { axes: [1, 0, 2], flips: [false, true, true] },
    { axes: [0, 2, 1], flips: [true, true, false] },
  ])('finds the same for a scan whose axes run as %j', (orientation) => {
    const map = turned(6, 1.05, [3, -4, 5])
    const moving = moved(scan, map)
    const own = { shape: [40, 40, 40] as [number, number, number], known: true }
    const whole = { ...own, affine: [...moving.toWorld.map((row) => [...row]), [0, 0, 0, 1]] }
    const placed = toPlaced(reorientGrid(whole, orientation))
    const data = reorient(moving.data, [40, 40, 40], orientation)
    const fit = fitLinear({ kind: 'scan', image: scan }, { ...placed, data }, 'affine', names)
    expect(cornerDistance(fit.map, map)).toBeLessThan(1)
  })

  it('undoes itself with the two exchanged', () => {
    const other = placedScan(phantom(4))
    const there = fitLinear({ kind: 'scan', image: scan }, other, 'affine', names).map
    const back = fitLinear({ kind: 'scan', image: other }, scan, 'affine', names).map
    expect(cornerDistance(inverse(back), there)).toBeLessThan(4)
  })

  it('refuses noise, and a volume of nothing but background', () => {
    const random = seededRandom(5)
    const noise = { ...grid, data: scan.data.map(() => random()) }
    expect(() => fitLinear({ kind: 'scan', image: scan }, noise, 'affine', names)).toThrow(
      /^moving\.nii and fixed\.nii: no position .*mutual information 0\.1/,
    )
    const empty = { ...grid, data: new Float32Array(scan.data.length) }
    expect(() => fitLinear({ kind: 'scan', image: scan }, empty, 'affine', names)).toThrow(
      'moving.nii: nothing but background',
    )
  })
})
