import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readVolume, writeVolume } from '../../src/io/files.js'
import type { Grid } from '../../src/io/volume.js'
import { makeTfjs, type TfjsJson } from '../io/make-tfjs.js'
import { mulberry32 } from '../reference/nd-array.js'
import { sae, succeed, visibleFiles } from './support.js'

const folder = mkdtempSync(join(tmpdir(), 'sae-prepare-'))
const path = (name: string): string => join(folder, name)
const shape = [30, 36, 32] as const
const [D, H, W] = shape

/** Voxels of 6 mm; the axes run to the right, down and to the front. */
const grid: Grid = {
  shape: [...shape],
  affine: [
    [6, 0, 0, -90],
    [0, 0, 6, -96],
    [0, -6, 0, 108],
    [0, 0, 0, 1],
  ],
  known: true,
}

/** A brain of two tissues with a ventricle, in a skull; and a field over all of it. */
const head = (() => {
  const random = mulberry32(9)
  const radius = (i: number, at: readonly number[]): number =>
    Math.hypot(
      (Math.floor(i / (H * W)) - D / 2 + 0.5) / at[0]!,
      ((Math.floor(i / W) % H) - H / 2 + 0.5) / at[1]!,
      ((i % W) - W / 2 + 0.5) / at[2]!,
    )
  const tissue = Uint8Array.from({ length: D * H * W }, (_, i) => {
    const [brain, skull] = [radius(i, [10, 12, 11]), radius(i, [13.5, 16.5, 14.5])]
    if (radius(i, [2, 3, 2]) <= 1) return 1
    if (brain <= 1) return brain <= 0.75 ? 3 : 2
    return skull > 1 ? 0 : skull > 0.9 ? 4 : 1
  })
  const field = Float32Array.from({ length: D * H * W }, (_, i) => Math.exp(0.6 * ((i % W) / W - 0.5)))
  const scan = Float32Array.from(
    tissue,
    (kind, i) => field[i]! * ([0, 5, 60, 90, 100][kind]! + (kind > 0 ? 2 * random() : 0)),
  )
  return { tissue, scan, brain: tissue.map((_, i) => (radius(i, [10, 12, 11]) <= 1 ? 1 : 0)) }
})()

/** A network that finds what is brighter than a quarter of the scan's range: brain and skull. */
const bright = () =>
  makeTfjs(
    [
      { name: 'copy', inputs: 1, outputs: 1, kernel: 3, dilation: 4, bias: false, activation: 'relu' },
      { name: 'output', inputs: 1, outputs: 2, kernel: 1, dilation: 1, bias: true },
    ],
    ({ kernel }) =>
      kernel === 1 ? Float32Array.of(0, 1) : Float32Array.from({ length: 27 }, (_, i) => (i === 13 ? 1 : 0)),
    ({ outputs }) => (outputs === 2 ? Float32Array.of(0.25, 0) : undefined),
  )

async function writeNetwork(name: string, change?: (model: TfjsJson) => void): Promise<string> {
  const { model, bin } = bright()
  change?.(model)
  await mkdir(path(name))
  await writeFile(path(`${name}/model.json`), JSON.stringify(model))
  await writeFile(path(`${name}/model.bin`), bin)
  return path(name)
}

beforeAll(async () => {
  await writeVolume(path('sub-01_T2w.nii.gz'), { data: head.scan, channels: 1, grid, source: '' }, 'float32')
  await writeNetwork('network')
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const variation = (data: Float32Array, kind: number): number => {
  const values = data.filter((_, i) => head.tissue[i] === kind)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) / mean
}

describe('sae prepare', () => {
  const strip = () => [
    'prepare',
    path('sub-01_T2w.nii.gz'),
    '--weights',
    path('network'),
    '--skip',
    'conform',
    '-o',
    path('out'),
  ]

  it('strips, corrects and scales a scan on its own grid', async () => {
    const { stdout } = await succeed(strip())
    expect(stdout).toMatch(/^ {2}strip: stripped: \d+ ml of brain \(\d+\.\d s\)$/m)
    expect(stdout).toMatch(/^ {2}bias: bias field from 0\.\d\d to 1\.\d\d in the brain, \d+ iterations/m)
    expect(visibleFiles(path('out'))).toEqual([
      'run.json',
      ...['biasfield', 'desc-biascorr_T2w', 'desc-brain_T2w', 'desc-brain_mask', 'desc-preproc_T2w'].map(
        (name) => `sub-01_${name}.nii.gz`,
      ),
    ])
    const read = async (name: string) => {
      const volume = await readVolume(path(`out/sub-01_${name}.nii.gz`))
      expect(volume.grid.affine).toEqual(grid.affine)
      return volume.data
    }
    const mask = await read('desc-brain_mask')
    let [both, either] = [0, 0]
    mask.forEach((value, i) => {
      both += value * head.brain[i]!
      either += Math.max(value, head.brain[i]!)
    })
    // Of the brain, its ventricle included, only what the interpolation at its rim costs is missing.
    expect(both / either).toBeGreaterThan(0.9)
    expect(mask.every((value, i) => head.tissue[i] !== 4 || value === 0)).toBe(true)
    const brain = await read('desc-brain_T2w')
    expect(brain).toEqual(head.scan.map((value, i) => value * mask[i]!))

    const [corrected, field] = [await read('desc-biascorr_T2w'), await read('biasfield')]
    corrected.forEach((value, i) => {
      expect(value).toBe(Math.fround(brain[i]! / field[i]!))
    })
    const inner = corrected.map((value, i) => (mask[i] === 1 ? value : NaN))
    expect(variation(inner, 3)).toBeLessThan(0.25 * variation(head.scan, 3))

    const prepared = await read('desc-preproc_T2w')
    expect([Math.min(...prepared), Math.max(...prepared)]).toEqual([0, expect.closeTo(0.9, 0)])
    const { runs } = JSON.parse(readFileSync(path('out/run.json'), 'utf8')) as {
      runs: { command: string; inputs: object[]; figures: unknown }[]
    }
    expect(runs[0]!.command).toBe('prepare')
    expect(runs[0]!.inputs).toMatchObject([{ role: 'scan' }, { role: 'weights' }, { role: 'weights' }])
  })

  it('leaves out what is prepared already, unless it was done in another way', async () => {
    const again = await succeed([...strip(), '--keep-existing'])
    expect(again.stdout).toBe('1 of 1 scans are prepared already.\n')
    const other = await sae([...strip(), '--keep-existing', '--margin', '3'])
    expect([other.code, other.errors[0]]).toEqual([
      2,
      expect.stringMatching(
        /desc-preproc_T2w\.nii\.gz: is there, but was made with --margin 0; give --overwrite/,
      ),
    ])
  })

  it.each<[string, string[], RegExp]>([
    ['no weights', [], /strip needs a network: give --weights .* or --skip strip/],
    ['a folder without a model', ['--weights', folder], /model\.json: cannot be read: no such file/],
    ['nothing to do', ['--skip', 'conform', '--skip', 'strip', '--skip', 'bias', '--skip', 'intensities'], /every step is skipped/],
    ['an unknown step', ['--skip', 'skull'], /The steps are conform, strip, bias, intensities\./],
    ['percentiles in the wrong order', ['--percentiles', '98,2'], /must be two numbers from 0 to 100/],
  ])('refuses %s, and writes nothing', async (_, options, message) => {
    const { code, errors } = await sae(['prepare', path('sub-01_T2w.nii.gz'), '-o', path('none'), ...options])
    expect([code, errors]).toEqual([2, [expect.stringMatching(message)]])
    expect(() => visibleFiles(path('none'))).toThrow('ENOENT')
  }) // prettier-ignore

  it('refuses weights outside of the folder of the network', async () => {
    const network = await writeNetwork(
      'evil',
      (model) => (model.weightsManifest[0]!.paths = ['../network/model.bin']),
    )
    const { code, errors } = await sae([
      'prepare',
      path('sub-01_T2w.nii.gz'),
      '-o',
      path('none'),
      '--weights',
      network,
    ])
    expect([code, errors[0]]).toEqual([
      2,
      expect.stringMatching(/must be the name of a file in the model's folder/),
    ])
  })
})
