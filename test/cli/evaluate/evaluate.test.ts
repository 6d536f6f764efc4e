/** `sae evaluate` and `sae compare` as processes: distances in millimetres, several scans, two models. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCsv } from '../../../src/cli/tables/csv.js'
import { unknownGrid } from '../../../src/io/volume.js'
import { grid, makeStudy, sae, shape, succeed, type Study } from '../support.js'

let study: Study
beforeAll(async () => {
  study = await makeStudy()
})
afterAll(() => {
  study.remove()
})

/** White matter (41) in a box of voxels [d, h, w], moved along each axis; voxels are 1 x 1.5 x 2 mm. */
async function box(name: string, move: readonly [number, number, number], on = grid): Promise<string> {
  const [D, H, W] = shape
  const data = new Float32Array(D * H * W)
  for (let d = 3; d < 7; d++)
    for (let h = 3; h < 7; h++)
      for (let w = 3; w < 7; w++) data[((d + move[0]) * H + h + move[1]) * W + w + move[2]] = 41
  return study.write(name, data, 'uint8', on)
}

describe('sae evaluate', () => {
  it('measures surfaces in millimetres, by the size of the voxels', async () => {
    const a = await box('truth.nii.gz', [0, 0, 0])
    for (const [axis, size] of [1, 1.5, 2].entries()) {
      const b = await box(`moved-${axis}.nii.gz`, [
        axis === 0 ? 1 : 0,
        axis === 1 ? 1 : 0,
        axis === 2 ? 1 : 0,
      ])
      const { stdout } = await succeed(['evaluate', b, a, '--json', '--quiet'])
      const { regions, voxel } = JSON.parse(stdout) as {
        voxel: number[]
        regions: { name: string; hd95: number; vs: number; volume: number; present: string }[]
      }
      expect(voxel).toEqual([1, 1.5, 2])
      const matter = regions.find(({ name }) => name === 'cerebral white matter')!
      expect(matter).toMatchObject({ hd95: size, vs: 1, volume: 64 * 3, present: 'both' })
    }
  })

  it('says so if voxels have no size', async () => {
    const a = await box('bare.npz', [0, 0, 0], unknownGrid(shape))
    const { errors } = await succeed(['evaluate', a, a])
    expect(errors.join('\n')).toMatch(/distances and volumes are for voxels of 1 x 1 x 1 mm/)
  })

  it('refuses a scan in place of labels, in one line', async () => {
    const a = await box('truth.nii.gz', [0, 0, 0])
    const { code, errors } = await sae(['evaluate', study.scans[0], a])
    expect(code).toBe(2)
    expect(errors).toEqual([
      expect.stringMatching(/labels are non-negative integers .*: is this a label map\?$/),
    ])
  })

  it('prints what --metrics asks for, in that order', async () => {
    const a = await box('truth.nii.gz', [0, 0, 0])
    const { stdout } = await succeed(['evaluate', a, a, '--metrics', 'vs,dice', '--quiet'])
    expect(stdout.split('\n')[0]).toMatch(/^region +VS +Dice$/)
    const wrong = await sae(['evaluate', a, a, '--metrics', 'dice,jaccard'])
    expect(wrong.code).toBe(2)
    expect(wrong.errors.join('\n')).toMatch(/some of dice,hd95,assd,vs/)
  })

  it('summarises several scans, and its tables can be compared', async () => {
    const scans = Array.from({ length: 6 }, (_, i) => i)
    const truths = await Promise.all(scans.map((i) => box(`truth-${i}.nii`, [0, 0, 0])))
    const far = await Promise.all(scans.map((i) => box(`far-${i}.nii`, [0, 0, i])))
    const { stdout } = await succeed([
      ...['evaluate', ...far, '--labels', ...truths, '--csv', study.path('far.csv'), '--quiet'],
    ])
    // 0 to 5 voxels of 2 mm away.
    expect(stdout).toMatch(
      /^cerebral white matter +6 +0\.\d{4} \+- 0\.\d{4} \(0\.\d{4}, 0\.\d{4}\) +5\.00 \+- 3\.74 \(5\.00, 10\.00\)/m,
    )
    expect(stdout).toMatch(/^far-1 +0\.7\d+ +2\.00/m)
    const { columns, rows } = parseCsv(readFileSync(study.path('far.csv'), 'utf8'), 'far.csv')
    expect(columns.slice(0, 5)).toEqual(['scan', 'region', 'abbreviation', 'present', 'dice'])
    expect(rows).toHaveLength(6 * 12)

    const one = await succeed(['compare', study.path('far.csv'), study.path('far.csv'), '--metric', 'hd95'])
    expect(one.stdout).toMatch(/^cerebral white matter +6 +5\.00 +5\.00 +0\.00 +0 \(6 equal\) +1\.000$/m)
    expect(one.stdout).toMatch(/^pallidum +0 +- +- +- +0 +-$/m)
  })

  it('refuses segmentations without as many references', async () => {
    const a = await box('truth.nii.gz', [0, 0, 0])
    const { code, errors } = await sae(['evaluate', a, a, a])
    expect([code, errors.length]).toEqual([2, 1])
    expect(errors[0]).toMatch(/3 label maps without --labels; give one segmentation and its reference/)
    expect((await sae(['evaluate', a, '--labels', a, a])).errors.join('\n')).toMatch(
      /2 reference label maps for 1 segmentations/,
    )
  })
})
