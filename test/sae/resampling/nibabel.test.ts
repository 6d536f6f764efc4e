/** Resampling beside nibabel's, through files: the same voxels in the same places, whatever lies between header and array. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { regrid } from '../../../src/cli/grids/regrid.js'
import { readVolume, writeVolume } from '../../../src/io/files.js'
import type { Grid, Volume } from '../../../src/io/volume.js'
import { bump, gridAt, paint } from './grids.js'

const script = `
import json, sys
import nibabel, numpy
from nibabel.processing import resample_from_to
image, onto = (nibabel.load(path) for path in sys.argv[1:])
result = resample_from_to(image, onto, order=1, mode='nearest').get_fdata()
to_image = numpy.linalg.inv(image.affine) @ onto.affine
voxels = numpy.indices(result.shape).reshape(3, -1)
places = to_image[:3, :3] @ voxels + to_image[:3, 3:]
last = numpy.array(image.shape)[:, None] - 1
within = ((places >= 1e-3) & (places <= last - 1e-3)).all(0)
json.dump({"values": result.ravel().tolist(), "within": within.tolist()}, sys.stdout)
`

const python = ['python3', '/usr/bin/python3'].find(
  (name) => spawnSync(name, ['-c', 'import nibabel, scipy']).status === 0,
)
if (!python) console.warn('SKIPPED: no python3 with nibabel and SciPy to compare resampling with')

const folder = mkdtempSync(join(tmpdir(), 'sae-nibabel-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const from = gridAt([17, 15, 13], [1.1, 0.9, 1.3], [4, -6, 9])
const targets: Record<string, Grid> = {
  oblique: gridAt([14, 18, 16], [1.2, 1, 0.8], [-11, 20, 7]),
  'half a voxel': gridAt([17, 15, 13], [1.1, 0.9, 1.3], [4, -6, 9], [12.55, -30.55, 5.65]),
  'smaller voxels': gridAt([30, 25, 29], [0.6, 0.55, 0.5]),
  'axes the other way': { ...gridAt([15, 12, 16], [1, 1.3, 0.9], [90, 7, -90]) },
}

describe.skipIf(!python)("resampling is nibabel's", () => {
  it.each(Object.entries(targets))('%s', async (name, onto) => {
    const write = async (file: string, grid: Grid): Promise<Volume> => {
      const data = paint(grid, bump([11, -30, 6], 3))
      const path = join(folder, `${name}-${file}.nii`)
      await writeVolume(path, { data, channels: 1, grid, source: path }, 'float32')
      return readVolume(path)
    }
    const [image, like] = [await write('image', from), await write('onto', onto)]
    const output = execFileSync(python!, ['-c', script, image.source, like.source], { maxBuffer: 2 ** 26 })
    const { values, within } = JSON.parse(output.toString()) as { values: number[]; within: boolean[] }
    const { data } = regrid(image, like.grid)
    let compared = 0
    within.forEach((inside, i) => {
      if (!inside) return
      compared++
      expect(Math.abs(data[i]! - values[i]!)).toBeLessThan(1e-5)
    })
    expect(compared).toBeGreaterThan(500)
  })
})
