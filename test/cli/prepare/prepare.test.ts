import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findScans } from '../../../src/cli/cohort/cohort.js'
import { Terminal } from '../../../src/cli/terminal.js'
import { readVolume, writeVolume } from '../../../src/io/files.js'
import { breaches } from '../cohort/bids-rules.js'
import { grid, head, makeHead } from './make-head.js'
import { sae, succeed, visibleFiles } from '../support.js'

let study: Awaited<ReturnType<typeof makeHead>>
beforeAll(async () => {
  study = await makeHead()
})
afterAll(() => {
  study.remove()
})

const variation = (data: Float32Array, kind: number): number => {
  const values = data.filter((_, i) => head.tissue[i] === kind)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) / mean
}

describe('sae prepare', () => {
  const path = (name: string) => study.path(name)
  const strip = () => [
    'prepare',
    study.scan,
    '--weights',
    study.network,
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

  it('brings a scan onto another that lies elsewhere', async () => {
    // The same head, 12 mm further to the right and 6 mm higher.
    const shifted = grid.affine.map((row, r) => [...row.slice(0, 3), row[3]! + ([12, 0, 6, 0][r] ?? 0)])
    const target = { data: head.scan, channels: 1, source: 'target', grid: { ...grid, affine: shifted } }
    await writeVolume(path('target.nii.gz'), target, 'float32')
    const steps = ['conform', 'strip', 'bias'].flatMap((step) => ['--skip', step])
    const { stdout } = await succeed([
      ...['prepare', study.scan, ...steps, '--to', path('target.nii.gz'), '-o', path('moved')],
    ])
    expect(stdout).toMatch(/register: brought onto .*target\.nii\.gz, mutual information \d\.\d+ nats/)
    const moved = await readVolume(path('moved/sub-01_space-target_desc-preproc_T2w.nii.gz'))
    expect(moved.grid.affine).toEqual(shifted)
    const middle = (data: Float32Array): boolean[] => {
      const highest = data.reduce((most, value) => Math.max(most, value), 0)
      return Array.from(data, (value) => value > highest / 2)
    }
    const [a, b] = [middle(moved.data), middle(head.scan)]
    const both = a.filter((inside, i) => inside && b[i]).length
    expect((2 * both) / (a.filter(Boolean).length + b.filter(Boolean).length)).toBeGreaterThan(0.95)
    const { movingToFixed } = JSON.parse(
      readFileSync(path('moved/sub-01_from-T2w_to-target_mode-image_xfm.json'), 'utf8'),
    ) as { movingToFixed: number[][] }
    const shift = movingToFixed.map((row) => row[3]!)
    expect(Math.hypot(shift[0]! - 12, shift[1]!, shift[2]! - 6)).toBeLessThan(3)
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
    ['a folder without a model', ['--weights', tmpdir()], /model\.json: cannot be read: no such file/],
    ['nothing to do', ['--skip', 'conform', '--skip', 'strip', '--skip', 'bias', '--skip', 'intensities'], /every step is skipped/],
    ['an unknown step', ['--skip', 'skull'], /The steps are conform, strip, bias, intensities, register\./],
    ['a target that is left out', ['--to', 'a.nii', '--skip', 'register'], /--to .* drop one of them/],
    ['percentiles in the wrong order', ['--percentiles', '98,2'], /must be two numbers from 0 to 100/],
  ])('refuses %s, and writes nothing', async (_, options, message) => {
    const { code, errors } = await sae(['prepare', study.scan, '-o', path('none'), ...options])
    expect([code, errors]).toEqual([2, [expect.stringMatching(message)]])
    expect(() => visibleFiles(path('none'))).toThrow('ENOENT')
  }) // prettier-ignore

  describe('with a scan that a later step refuses', () => {
    const unstripped = (scan: string, ...more: string[]) => [
      ...['prepare', scan, '--skip', 'strip', '--skip', 'conform', '-o', path('refused'), ...more],
    ]
    /** All voxels but two are the same, and those are darker. */
    const dark = async (): Promise<string> => {
      const data = head.scan.map((_, i) => [0, 4][i] ?? 5)
      await writeVolume(path('dark.nii.gz'), { data, channels: 1, source: 'dark', grid }, 'float32')
      return path('dark.nii.gz')
    }

    it('writes nothing, also of the steps before', async () => {
      const args = ['prepare', study.scan, '--skip', 'strip', '-o', path('none')]
      const { code, errors } = await sae([...args, '--memory-limit', '10KB'])
      expect([code, errors.at(-1)]).toEqual([2, expect.stringMatching(/device memory is needed/)])
      expect(() => visibleFiles(path('none'))).toThrow('ENOENT')
    })

    it('says so if nothing in it is brighter than the background', async () => {
      const message = /dark\.nii\.gz: nothing in it is brighter than its background, so there is no brain/
      for (const more of [[], ['--skip', 'bias']]) {
        const { code, errors } = await sae(unstripped(await dark(), ...more))
        expect([code, errors.at(-1)]).toEqual([2, expect.stringMatching(message)])
      }
      expect(() => visibleFiles(path('refused'))).toThrow('ENOENT')
    })

    it('goes on with the others if that is asked for, and keeps what is there if not', async () => {
      const files = ['biasfield', 'desc-biascorr_T2w', 'desc-preproc_T2w'].map((n) => `sub-01_${n}.nii.gz`)
      const both = unstripped(await dark(), study.scan, '--keep-going')
      const { code, errors } = await sae(both)
      expect([code, errors.at(-1)]).toEqual([
        3,
        expect.stringMatching(/^warning: 1 of 2 scans failed: .*dark/),
      ])
      expect(visibleFiles(path('refused'))).toEqual(['run.json', ...files])
      const { runs } = JSON.parse(readFileSync(path('refused/run.json'), 'utf8')) as {
        runs: { inputs: object[]; figures: { scans: object; failed: object[] } }[]
      }
      expect(runs[0]!.inputs).toMatchObject([{ role: 'scan', path: study.scan }])
      expect(Object.keys(runs[0]!.figures.scans)).toEqual([study.scan])
      expect(runs[0]!.figures.failed).toMatchObject([{ scan: path('dark.nii.gz') }])

      const again = await sae(unstripped(study.scan, '--overwrite', '--memory-limit', '10KB'))
      expect(again.code).toBe(2)
      expect(visibleFiles(path('refused'))).toEqual(['run.json', ...files])
    })
  })

  it('records the scans before one that ends the run', async () => {
    const [good, second] = [path('good.nii.gz'), path('second.nii.gz')]
    copyFileSync(study.scan, good)
    const data = head.scan.map((_, i) => [0, 4][i] ?? 5)
    await writeVolume(second, { data, channels: 1, source: second, grid }, 'float32')
    const args = [good, second, study.scan, '--skip', 'strip', '--skip', 'conform', '-o', path('ended')]
    const { code, errors } = await sae(['prepare', ...args])
    expect([code, errors.at(-1)]).toEqual([2, expect.stringMatching(/second\.nii\.gz: nothing in it/)])
    expect(visibleFiles(path('ended'))).toEqual([
      ...['good_biasfield', 'good_desc-biascorr_T1w', 'good_desc-preproc_T1w'].map((n) => `${n}.nii.gz`),
      'run.json',
    ])
    const { runs } = JSON.parse(readFileSync(path('ended/run.json'), 'utf8')) as {
      runs: { inputs: object[]; figures: { scans: object; failed: object[] } }[]
    }
    expect(runs).toHaveLength(1)
    expect(runs[0]!.inputs).toMatchObject([{ role: 'scan', path: good }])
    expect(Object.keys(runs[0]!.figures.scans)).toEqual([good])
    expect(runs[0]!.figures.failed).toMatchObject([{ scan: second, reason: errors.at(-1)!.slice(5) }])
  })

  it('refuses weights outside of the folder of the network', async () => {
    const network = await study.writeNetwork(
      'evil',
      (model) => (model.weightsManifest[0]!.paths = ['../network/model.bin']),
    )
    const { code, errors } = await sae(['prepare', study.scan, '-o', path('none'), '--weights', network])
    expect([code, errors[0]]).toEqual([
      2,
      expect.stringMatching(/must be the name of a file in the model's folder/),
    ])
  })
})

describe('a BIDS dataset', () => {
  it('becomes a derivative whose scans the other commands take', { timeout: 240_000 }, async () => {
    const { path } = study
    const anat = (label: string): string => path(`ds/sub-${label}/anat`)
    for (const label of ['01', '02']) {
      mkdirSync(anat(label), { recursive: true })
      await writeVolume(
        `${anat(label)}/sub-${label}_T1w.nii.gz`,
        { data: head.scan, channels: 1, grid, source: label },
        'float32',
      )
    }
    writeFileSync(path('ds/dataset_description.json'), '{"Name": "ds", "BIDSVersion": "1.9.0"}')
    const derivative = path('ds/derivatives/prepared')
    const target = `${anat('01')}/sub-01_T1w.nii.gz`
    await succeed([
      ...['prepare', path('ds'), '--weights', study.network, '--skip', 'conform', '--skip', 'bias'],
      ...['--to', target, '-o', derivative],
    ])
    expect(await breaches(derivative)).toEqual([])
    const stems = ['desc-brain_T1w', 'desc-brain_mask', 'desc-preproc_T1w', 'space-target_desc-brain_mask']
    expect(visibleFiles(`${derivative}/sub-02/anat`)).toEqual(
      [
        ...[...stems, 'space-target_desc-preproc_T1w'].flatMap((stem) => [`${stem}.json`, `${stem}.nii.gz`]),
        'from-T1w_to-target_mode-image_xfm.json',
      ]
        .map((end) => `sub-02_${end}`)
        .sort(),
    )
    expect(readFileSync(`${derivative}/README.md`, 'utf8')).toMatch(/^# Scans prepared by sae\n/)
    const { scans } = await findScans([derivative], { suffix: 'desc-preproc_T1w' }, new Terminal('silent'))
    expect(scans.map((scan) => basename(scan))).toEqual(
      expect.arrayContaining(['sub-01_desc-preproc_T1w.nii.gz', 'sub-02_desc-preproc_T1w.nii.gz']),
    )
    const again = await succeed([
      ...['prepare', path('ds'), '--weights', study.network, '--skip', 'conform', '--skip', 'bias'],
      ...['--to', target, '-o', derivative, '--keep-existing'],
    ])
    expect(again.stdout).toContain('2 of 2 scans are prepared already.')
  })
})
