import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readVolume } from '../../../src/io/files.js'
import type { Grid } from '../../../src/io/volume.js'
import { toPlaced } from '../../../src/cli/register/registration.js'
import { valueAt } from '../../../src/register/interpolate.js'
import { inverse, mapPoint } from '../../../src/register/placed.js'
import { diceScores } from '../../../src/sae/metrics/dice.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import type { Affine, AffineRow, Triple } from '../../../src/sae/synth/affine.js'
import { makeStudy, sae, succeed, visibleFiles, type Study } from '../support.js'

let study: Study
let fixed: string
let moving: string
let labels: string
const K = phantomTable.classes.length
const shape: [number, number, number] = [32, 32, 32]
const grid = placedAt(-80)
const { subjects } = makePhantom({ shape, subjects: 1, noise: 0.02 })
const { scan, labels: truth } = subjects[0]!
// The same voxels elsewhere: where they lie is what has to be found.
const elsewhere = placedAt(-68)

function placedAt(origin: number): Grid {
  const affine = [
    [5, 0, 0, origin],
    [0, 5, 0, origin - 3],
    [0, 0, 5, origin + 5],
    [0, 0, 0, 1],
  ]
  return { shape, affine, known: true }
}

beforeAll(async () => {
  study = await makeStudy()
  fixed = await study.write('fixed.nii.gz', scan, 'float32', grid)
  const dark = scan.map((value) => (value === 0 ? 0 : 900 - 700 * value))
  moving = await study.write('moving.nii.gz', dark, 'float32', elsewhere)
  labels = await study.write('labels.nii.gz', Float32Array.from(truth), 'uint8', elsewhere)
})
afterAll(() => {
  study.remove()
})

/** The map of a text file of ITK's. */
function itkAffine(path: string): Affine {
  const line = readFileSync(path, 'utf8').split('\n')[3]!
  const numbers = line.replace('Parameters: ', '').split(' ').map(Number)
  const row = (r: number): AffineRow => {
    const [a, b, c] = numbers.slice(3 * r, 3 * r + 3)
    return [a!, b!, c!, numbers[9 + r]!]
  }
  return [row(0), row(1), row(2)]
}

describe('sae register', () => {
  it('writes the moved scan, the transform, and what --apply names', async () => {
    const { path } = study
    const output = path('moved.nii.gz')
    const { stdout } = await succeed(['register', moving, '--to', fixed, '--apply', labels, '-o', output])
    expect(stdout).toMatch(/turned by 0\.\d degrees, sizes (0\.99\d|1\.00\d), /)
    const carried = await readVolume(path('moved_labels.nii.gz'))
    expect(carried.grid.affine).toEqual(grid.affine)
    const scores = diceScores(Uint8Array.from(carried.data), truth, K)
    expect(Math.min(...scores)).toBeGreaterThan(0.9)
    const record = JSON.parse(readFileSync(path('moved.json'), 'utf8')) as { fixedToMoving: number[][] }
    record.fixedToMoving.forEach((row, r) => {
      if (r < 3) expect(Math.abs(row[3]! - 12)).toBeLessThan(1)
    })
    // LPS: the first two axes run the other way.
    const [, , , parameters] = readFileSync(path('moved_affine.txt'), 'utf8').split('\n')
    const numbers = parameters!.replace('Parameters: ', '').split(' ').map(Number)
    expect(numbers[9]).toBe(-record.fixedToMoving[0]![3]!)
    expect(numbers[11]).toBe(record.fixedToMoving[2]![3]!)
    const again = await sae(['register', moving, '--to', fixed, '-o', output])
    expect([again.code, again.errors.length]).toEqual([2, 1])
  })

  it('carries whole numbers below 0 as an image, for they are no labels', async () => {
    const { path, write } = study
    const units = Float32Array.from(scan, (value) => Math.round(1000 * value) - 500)
    const ct = await write('ct.nii.gz', units, 'int16', elsewhere)
    await succeed(['register', moving, '--to', fixed, '--apply', ct, '-o', path('with-ct.nii.gz')])
    const carried = await readVolume(path('with-ct_ct.nii.gz'))
    const differences = carried.data.map((value, i) => Math.abs(value - units[i]!)).sort()
    expect(differences[Math.floor(differences.length / 2)]).toBeLessThan(50)
  })

  it('carries several volumes that are no prior as images, with 0 beyond them', async () => {
    const { path, write } = study
    // A slab in the middle, so that most of the fixed grid lies beyond it.
    const [, H, W] = shape
    const [first, depth] = [12, 8]
    const placed = placedAt(-68)
    placed.affine[0]![3]! += 5 * first
    const part = scan.slice(first * H * W, (first + depth) * H * W)
    const both = Float32Array.from([...part.map((value) => 100 + value), ...part])
    const slab: Grid = { ...placed, shape: [depth, H, W] }
    const series = await write('series.nii.gz', both, 'float32', slab, 2)
    await succeed(['register', moving, '--to', fixed, '--apply', series, '-o', path('with.nii.gz')])
    const { data, channels } = await readVolume(path('with_series.nii.gz'))
    expect([channels, data[0], data.at(-1)]).toEqual([2, 0, 0])
  })

  it('bends without folding, and writes the displacement as vectors', async () => {
    const { path } = study
    const output = path('bent.nii.gz')
    const { stdout } = await succeed([
      'register',
      moving,
      '--to',
      fixed,
      '--transform',
      'smooth',
      '-o',
      output,
    ])
    expect(stdout).toMatch(/Least Jacobian determinant: 0\.[1-9]/)
    const warp = await readVolume(path('bent_warp.nii.gz'))
    expect([warp.channels, warp.grid.known]).toEqual([3, true])
    // As ITK reads the two files: points in LPS, the displacement first, then the affine map.
    const affine = itkAffine(path('bent_affine.txt'))
    const [bent, source] = [await readVolume(output), await readVolume(moving)]
    const size = warp.data.length / 3
    const [, H, W] = warp.grid.shape
    let furthest = 0
    for (let i = 0; i < size; i += 7) {
      const voxel: Triple = [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W]
      const world = mapPoint(toPlaced(warp.grid).toWorld, voxel)
      const shifted: Triple = [
        -world[0] + warp.data[i]!,
        -world[1] + warp.data[size + i]!,
        world[2] + warp.data[2 * size + i]!,
      ]
      const [x, y, z] = mapPoint(affine, shifted)
      const at = mapPoint(inverse(toPlaced(source.grid).toWorld), [-x, -y, z])
      const there = mapPoint(inverse(toPlaced(bent.grid).toWorld), world)
      const inside = at.every((value) => value > 1 && value < 30)
      if (!inside) continue
      const [expected, found] = [
        valueAt(source.data, shape, ...at, 0),
        valueAt(bent.data, shape, ...there, 0),
      ]
      furthest = Math.max(furthest, Math.abs(expected - found))
    }
    // Of intensities up to 900.
    expect(furthest).toBeLessThan(1)
  })

  it('warns if a scan was turned further than heads lie apart, as by a wrong header', async () => {
    const { path, write } = study
    // The same voxels, but said to lie on the side of the head.
    const [right, front, up, last] = elsewhere.affine as [number[], number[], number[], number[]]
    const lying = { ...elsewhere, affine: [up, front, right.map((value) => -value), last] }
    const file = await write('lying.nii.gz', scan, 'float32', lying)
    const args = ['register', file, '--to', fixed, '--transform', 'rigid', '-o', path('upright.nii.gz')]
    const { stdout, errors } = await succeed(args)
    expect(stdout).toMatch(/turned by (89|90)\.\d degrees/)
    expect(errors.at(-1)).toMatch(
      /^warning: .*lying\.nii\.gz: was turned by 90 degrees to fit .*fixed\.nii\.gz, further than heads lie apart/,
    )
    const known = await succeed(['register', moving, '--to', fixed, '-o', path('known.nii.gz')])
    expect(known.errors.filter((line) => line.startsWith('warning'))).toEqual([])
  })

  it('refuses in one line, and writes nothing', async () => {
    const { path, write } = study
    const constant = await write('constant.nii.gz', new Float32Array(scan.length).fill(3), 'float32', grid)
    const before = visibleFiles(study.folder)
    const cases: [string[], RegExp][] = [
      [[constant, '--to', fixed], /constant\.nii\.gz: every voxel is 3; this is not a scan/],
      [[moving, '--to', constant], /constant\.nii\.gz: every voxel is 3; this is not a scan/],
      [[moving, '--to', path('none.nii.gz')], /none\.nii\.gz: cannot be read/],
    ]
    for (const [args, expected] of cases) {
      const { code, errors } = await sae(['register', ...args, '-o', path('out.nii.gz'), '--quiet'])
      expect([code, errors.length]).toEqual([2, 1])
      expect(errors[0]).toMatch(expected)
    }
    const clash = [
      '--to',
      fixed,
      '--transform',
      'smooth',
      '--apply',
      path('warp.nii'),
      '-o',
      path('out.nii.gz'),
    ]
    expect((await sae(['register', moving, ...clash])).errors).toEqual([
      `sae: ${path('warp.nii')}: would be written as ${path('out_warp.nii.gz')}, and so would the displacement; rename it`,
    ])
    // Of files that are not there, only the name can have been looked at.
    for (const name of ['moved', 'moved.npz', 'moved.mgz', 'moved.nii.bak']) {
      const none = [path('none.nii.gz'), '--to', path('none.nii.gz'), '--transform', 'smooth']
      const { code, errors } = await sae(['register', ...none, '-o', path(name)])
      expect(errors).toEqual([
        `sae: ${path(name)}: the moved scan is written as NIfTI alone; name it .nii.gz or .nii`,
      ])
      expect(code).toBe(2)
    }
    expect(await sae(['register', moving, '--to', fixed, '-o', study.folder])).toMatchObject({
      code: 2,
      errors: [`sae: ${study.folder}: is a folder, but a file is to be written there; give another -o`],
    })
    expect(existsSync(path('out.nii.gz'))).toBe(false)
    expect(visibleFiles(study.folder)).toEqual(before)
  })
})
