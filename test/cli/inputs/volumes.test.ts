/** Scans and label maps of several volumes, and in FreeSurfer's format. */
import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identifyInputs, formatInputs, requireSameInputs } from '../../../src/cli/run/run-inputs.js'
import { Terminal } from '../../../src/cli/terminal.js'
import { readLabelVolume, readVolume, writeVolume } from '../../../src/io/files.js'
import { userError } from '../../io/support.js'
import { grid, makePrior, makeStudy, sae, succeed, type Study } from '../support.js'

let study: Study
let series = ''
let maps = ''
let map = ''
beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
  const { path } = study
  const scans = [await readVolume(study.scans[0]), await readVolume(study.scans[1])]
  // The second scan in the units of the first, as volumes of one file have.
  const data = Float32Array.from(scans.flatMap((scan) => [...scan.data]))
  series = await study.write('series.mgz', data, 'float32', grid, 2)
  const labels = await readLabelVolume(study.labels[1])
  const both = Float32Array.from([...labels.data.map(() => 0), ...labels.data])
  map = await study.write('map.nii', Float32Array.from(labels.data), 'uint8')
  maps = await study.write('maps.nii.gz', both, 'uint8', grid, 2)
  await writeVolume(path('b.mgz'), scans[1]!, 'float32')
}, 60_000)
afterAll(() => {
  study.remove()
})

describe('--volume', { timeout: 60_000 }, () => {
  it('reads one volume of scans and label maps alike, and of files with one that', async () => {
    const { path } = study
    const em = (scan: string, out: string, ...more: string[]) =>
      succeed([
        '--quiet',
        'em',
        scan,
        '--prior',
        path('prior.nii.gz'),
        '--iterations',
        '3',
        '-o',
        path(out),
        ...more,
      ])
    const single = await em(path('b.mgz'), 'single', '--labels', study.labels[1])
    const chosen = await em(series, 'chosen', '--volume', '1', '--labels', maps)
    expect(chosen.stdout).toBe(single.stdout)
    const result = (out: string, name: string) => readLabelVolume(path(`${out}/${name}_dseg.nii.gz`))
    const [a, b] = [await result('single', 'b'), await result('chosen', 'series')]
    expect(b.data).toEqual(a.data)
    expect(b.grid.affine).toEqual(grid.affine)
    expect(readFileSync(path('chosen/run.json'), 'utf8')).toMatch(/"volume": 1/)

    const [evaluated, ofOne] = [maps, study.labels[1]].map((truth) =>
      succeed(['evaluate', path('chosen/series_dseg.nii.gz'), truth, '--volume', '1']),
    )
    expect((await evaluated!).stdout).toBe((await ofOne!).stdout)
  })

  it('is named where it is missing or there is no such volume', async () => {
    const { path } = study
    const args = ['em', series, '--prior', path('prior.nii.gz'), '-o', path('refused')]
    const { code, errors } = await sae(args)
    expect(code).toBe(2)
    expect(errors).toEqual([
      expect.stringContaining(
        'series.mgz: has 2 volumes, but a scan has one; choose one with --volume, 0 to 1',
      ),
    ])
    expect((await sae([...args, '--volume', '2'])).errors).toEqual([
      expect.stringContaining('series.mgz: has 2 volumes, 0 to 1, but no volume 2'),
    ])
  })

  it('is taken out by sae convert for commands that have no such option', async () => {
    const { path, scans } = study
    const advice = `has 2 volumes, but a scan has one; take one out with sae convert ${series} ONE.nii.gz --volume N, 0 to 1`
    for (const args of [
      ['register', series, '--to', scans[0], '-o', path('moved.nii.gz')],
      ['register', scans[0], '--to', series, '-o', path('moved.nii.gz')],
      ['prepare', series, '--skip', 'strip', '-o', path('refused')],
    ]) {
      const { code, errors } = await sae(args)
      expect(errors.at(-1)).toContain(advice)
      expect(code).toBe(2)
    }
    expect([path('moved.nii.gz'), path('refused')].some((file) => existsSync(file))).toBe(false)
  })

  it('makes a prior of one volume of label maps', async () => {
    const { path, classes } = study
    await succeed(['prior', maps, '--volume', '1', '--classes', classes, '-o', path('one.mgz')])
    await succeed(['prior', map, '--classes', classes, '-o', path('same.nii.gz')])
    expect((await readVolume(path('one.mgz'))).data).toEqual((await readVolume(path('same.nii.gz'))).data)
  })

  it('is part of what a run goes on with', async () => {
    const identify = (volume?: number) =>
      identifyInputs([series], study.path('prior.nii.gz'), 1, {
        matchByIndex: false,
        resample: undefined,
        volume,
      })
    const [first, second, none] = [await identify(0), await identify(1), await identify()]
    const resume = (saved: string, now: typeof first) => () => {
      requireSameInputs(saved, now, [series], 'prior', 'last.safetensors', new Terminal('silent'))
    }
    resume(formatInputs(first), first)()
    expect(userError(resume(formatInputs(first), second))).toContain('its run is one with --volume 0')
    expect(userError(resume(formatInputs(none), second))).toContain('its run is one without --volume')
  })
})
