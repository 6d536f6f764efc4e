/** Formats beside nibabel: what it writes is read here, and the other way about. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readLabelVolume, readVolumeHeader, writeVolume } from '../../src/io/files.js'
import type { Grid, LabelVolume } from '../../src/io/volume.js'

const script = `
import itertools, json, sys
import nibabel as nib
import numpy as np

folder = sys.argv[1]
random = np.random.default_rng(1)
base = nib.affines.from_matvec([[1.9, 0.3, 0.1], [-0.3, 0.9, 0.2], [0.05, -0.2, 1.4]], [10.5, -20.25, 31])

def say(path, image):
    data = np.asanyarray(image.dataobj)
    print(json.dumps({"path": path, "affine": image.affine.tolist(), "shape": list(data.shape),
                      "values": data.astype(float).ravel(order="C").tolist()}))

def write(name, image):
    image.to_filename(f"{folder}/{name}")
    say(name, nib.load(f"{folder}/{name}"))

if sys.argv[2] == "write":
    for i, (order, signs) in enumerate(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3))):
        affine = base.copy()
        affine[:3, :3] = base[:3, list(order)] * signs
        data = random.integers(-500, 500, (3, 4, 5)).astype(np.int16)
        write(f"turned{i}.mgz", nib.MGHImage(data, affine))
    for dtype in ("uint8", "int16", "int32", "float32"):
        data = (random.random((4, 3, 2, 3)) * 200).astype(dtype)
        write(f"{dtype}.mgh", nib.MGHImage(data, base))
    data = random.integers(-500, 500, (3, 4, 5)).astype(np.int16)
    write("pair1.hdr", nib.Nifti1Pair(data, base))
    write("pair1z.img.gz", nib.Nifti1Pair(data, base))
    write("pair2.img", nib.Nifti2Pair(data, base))
    write("single2.nii.gz", nib.Nifti2Image(data, base))
    image = nib.AnalyzeImage(data, np.diag([-2, 3, 4, 1]))
    image.to_filename(f"{folder}/analyze.img")
    say("analyze.img", nib.AnalyzeImage.load(f"{folder}/analyze.img"))
else:
    for name in sys.argv[3:]:
        say(name, nib.load(f"{folder}/{name}"))
`

interface Said {
  readonly path: string
  readonly affine: number[][]
  readonly shape: number[]
  readonly values: number[]
}

const missing = spawnSync('python3', ['-c', 'import nibabel']).status !== 0
if (missing) console.warn('SKIPPED: no python3 with nibabel to compare formats with')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-nibabel-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function nibabel(...args: string[]): Said[] {
  const printed = execFileSync('python3', ['-c', script, folder, ...args], { maxBuffer: 2 ** 26 })
  return String(printed)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Said)
}

/** Values in nibabel's order, [D, H, W, C]. */
function channelsLast({ data, channels }: LabelVolume): number[] {
  const voxels = data.length / channels
  return Array.from(data, (_, i) => data[(i % channels) * voxels + Math.floor(i / channels)]!)
}

function expectAffine(actual: Grid['affine'], wanted: number[][]): void {
  actual.flat().forEach((value, i) => {
    expect(value).toBeCloseTo(wanted.flat()[i]!, 4)
  })
}

it.skipIf(missing)(
  'what nibabel writes is read: 48 orientations of MGH, its types, pairs, Analyze',
  async () => {
    const written = nibabel('write')
    expect(written).toHaveLength(48 + 4 + 5)
    for (const { path, affine, shape, values } of written) {
      const volume = await readLabelVolume(join(folder, path))
      expect(channelsLast(volume), path).toEqual(values)
      expect([...volume.grid.shape, volume.channels]).toEqual([...shape, 1].slice(0, 4))
      if (path.startsWith('analyze')) {
        expect(volume.grid.known).toBe(false)
        expectAffine(volume.grid.affine, [
          [2, 0, 0, 0],
          [0, 3, 0, 0],
          [0, 0, 4, 0],
          [0, 0, 0, 1],
        ])
      } else expectAffine(volume.grid.affine, affine)
      expect((await readVolumeHeader(join(folder, path))).grid).toEqual(volume.grid)
    }
  },
)

it.skipIf(missing)('what is written is read by nibabel', async () => {
  const affine = [
    [-1.9, 0.3, 0.1, 10.5],
    [0.3, 0.2, -0.9, -20.25],
    [0.05, 1.4, 0.2, 31],
    [0, 0, 0, 1],
  ]
  const grid: Grid = { shape: [3, 4, 5], affine, known: true }
  const names = ['uint8', 'int16', 'int32', 'float32'] as const
  const files = names.flatMap((type) =>
    ['mgh', 'mgz', 'nii.gz'].map((format) => ({ type, name: `our-${type}.${format}` })),
  )
  const volume: LabelVolume = {
    ...{ channels: 2, grid, source: 'made' },
    data: Float64Array.from({ length: 120 }, (_, i) => (i * 37) % 251),
  }
  for (const { type, name } of files) await writeVolume(join(folder, name), volume, type)
  const said = nibabel('read', ...files.map(({ name }) => name))
  expect(said).toHaveLength(files.length)
  for (const { shape, values, affine: found } of said) {
    expect(shape).toEqual([3, 4, 5, 2])
    expect(values).toEqual(channelsLast(volume))
    expectAffine(found, affine)
  }
})
