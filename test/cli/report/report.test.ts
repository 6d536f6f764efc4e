/** Pages of results: what a process writes, and what a browser would be told by it. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modifiedZ } from '../../../src/cli/report/index-page.js'
import { readVolume } from '../../../src/io/files.js'
import { makePrior, makeStudy, sae, shape, succeed, type Study } from '../support.js'

let study: Study
let segment: string[]
const text = (name: string): string => readFileSync(study.path(name), 'utf8')

beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
  const { path, scans } = study
  const prior = ['--prior', path('prior.nii.gz')]
  renameSync(scans[0], path('<b>.nii.gz'))
  const scan = path('<b>.nii.gz')
  await succeed(['pretrain', scan, ...prior, '--epochs', '1', '-o', path('run')])
  const init = ['--init', path('run/pretrained.safetensors'), '--decoder-steps', '1']
  await succeed(['train', scan, ...prior, ...init, '--steps', '1', '-o', path('run')])
  segment = ['segment', scan, ...prior, '-o', path('out')]
  const weights = ['--weights', path('run/last.safetensors')]
  await succeed([...segment, ...weights, '--report', '--entropy', '--reconstruction'])
})
afterAll(() => {
  study.remove()
})

/** A page must work alone, and hold no markup that came from a name. */
function expectSafe(page: string): void {
  expect(page).toMatch(/^<!doctype html>\s*<html lang="en">/)
  expect(page).not.toMatch(/<script|<link|<iframe|<b>|https?:|src="(?!data:)/)
  expect(page).toContain('&lt;b&gt;')
  expect(page).toMatch(/default-src &#39;none&#39;; img-src data:/)
  for (const image of page.match(/<img [^>]*>/g) ?? [])
    expect(image).toMatch(/src="data:image\/png;base64,[A-Za-z0-9+/=]+".* alt="[^"]+"/)
}

describe('sae segment --report', () => {
  it('writes a page for the scan: both pictures of each slice, volumes, figures and how it was made', () => {
    const page = text('out/<b>_report.html')
    expectSafe(page)
    const count = (what: RegExp): number => (page.match(what) ?? []).length
    expect(count(/alt="[^"]*: scan"/g)).toBe(13)
    expect(count(/alt="[^"]*: scan with segmentation"/g)).toBe(13)
    expect(page).toMatch(/axial, z = -?\d+ mm/)
    expect(page).toMatch(/neurological convention/)
    expect(page).toMatch(/<th scope="row">left cerebral cortex<\/th>\s*<td class="number">3<\/td>/)
    expect(page).toMatch(/<span class="verdict (sound|doubtful|collapsed)">/)
    expect(page).toMatch(/Mean squared error of the reconstruction/)
    const { runs } = JSON.parse(text('out/run.json')) as { runs: { inputs: { sha256: string }[] }[] }
    for (const { sha256 } of runs[0]!.inputs) expect(page).toContain(sha256)
  })

  it('writes maps of entropy and reconstruction on the grid of the scan', async () => {
    for (const [name, most] of [
      ['entropy', Math.log(8)],
      ['reconstruction', 1],
    ] as const) {
      const { data, grid } = await readVolume(study.path(`out/<b>_${name}.nii.gz`))
      expect(grid.shape).toEqual([...shape])
      expect(data.every((value) => value >= 0 && value <= most + 1e-5)).toBe(true)
      expect(data.some((value) => value > 0)).toBe(true)
    }
    expect(existsSync(study.path('out/<b>_probseg.nii.gz'))).toBe(false)
  })

  it('writes a page of all scans', () => {
    const page = text('out/index.html')
    expectSafe(page)
    expect(page).toContain('href="./%3Cb%3E_report.html"')
    expect(page).toMatch(/Segmentations of 1 scan</)
    expect(page.match(/<img /g)).toHaveLength(1)
  })

  it('refuses a reconstruction by weights without a decoder, in one line', async () => {
    const weights = ['--weights', study.path('run/pretrained.safetensors')]
    const { code, errors } = await sae([...segment, ...weights, '--overwrite', '--reconstruction'])
    expect(code).toBe(2)
    expect(errors.at(-1)).toMatch(/pretrained\.safetensors: has no decoder, which --reconstruction needs/)
  })
})

describe('sae report', () => {
  it('shows the curves of a training run and how it was made', async () => {
    await succeed(['report', study.path('run')])
    const page = text('run/training.html').replaceAll('xmlns="http://www.w3.org/2000/svg"', '')
    expectSafe(page)
    for (const title of ['cross_entropy', 'loss', 'reconstruction', 'kl', 'mrf'])
      expect(page).toContain(`<title>${title}</title>`)
    expect(page).toMatch(/Run: sae pretrain/)
    expect(page).toMatch(/Run: sae train/)
    // Of each run, a scan in three planes: as it is, before its only step, and by the weights of the end.
    expect(page.match(/<figcaption>[^<]*/g)).toEqual(
      ['pretrained', 'best'].flatMap((weights) => [
        '<figcaption>scan',
        '<figcaption>epoch 1, step 1',
        `<figcaption>at the end, by ${weights}.safetensors`,
      ]),
    )
    expect(page.match(/<img /g)).toHaveLength(18)
    expect(page.match(/alt="epoch 1, step 1: coronal slice, scan with segmentation"/g)).toHaveLength(2)
    expect(page.match(/<\/span>\s*cerebral white matter\s*<\/li>/g)).toHaveLength(2)
  })

  it('leaves alone tables, links and folders of others that are named as its logs are', async () => {
    await succeed(['report', study.path('run')])
    const before = text('run/training.html')
    const others = ['empty.csv', 'folder.csv', 'gone.csv', 'begun.csv', 'ragged.csv'].map(
      (name) => `run/${name}`,
    )
    const [empty, folder, gone, begun, ragged] = others.map(study.path) as [
      string,
      string,
      string,
      string,
      string,
    ]
    writeFileSync(empty, '')
    mkdirSync(folder)
    symlinkSync('nowhere', gone)
    writeFileSync(begun, 'epoch,step,lo')
    writeFileSync(ragged, 'a,b\n1,2,3\n')
    await succeed(['report', study.path('run')])
    expect(text('run/training.html')).toBe(before)
    for (const file of others) rmSync(study.path(file), { recursive: true })
  })

  it('leaves out examples that are damaged', async () => {
    const file = study.path('run/train-examples.json')
    const whole = text('run/train-examples.json')
    writeFileSync(file, whole.slice(0, -20))
    await succeed(['report', study.path('run')])
    expect(text('run/training.html').match(/<img /g)).toHaveLength(9)
    writeFileSync(file, whole)
  })

  it('renews its own pages, and leaves alone what somebody changed', async () => {
    const page = study.path('out/index.html')
    const before = text('out/index.html')
    await succeed(['report', study.path('out')])
    expect(text('out/index.html')).toBe(before)
    writeFileSync(page, 'mine')
    const { code, errors } = await sae(['report', study.path('out')])
    expect(code).toBe(2)
    expect(errors.at(-1)).toMatch(/index\.html: is there, and not as sae wrote it/)
    expect(text('out/index.html')).toBe('mine')
  })

  it('says of segmentations whose scans are gone that nothing can be shown', async () => {
    const scan = study.path('<b>.nii.gz')
    const [own, gone] = [study.path('out'), study.path('gone')]
    for (const name of readdirSync(own).filter((name) => !name.endsWith('.html')))
      cpSync(join(own, name), join(gone, name))
    renameSync(scan, `${scan}.away`)
    const { code, errors } = await sae(['report', gone])
    renameSync(`${scan}.away`, scan)
    expect(errors[0]).toMatch(/^warning: <b> is left out of the report: .*<b>\.nii\.gz: is gone/)
    expect(errors.slice(1)).toEqual([
      expect.stringMatching(
        /gone: nothing can be shown of its segmentation, because scans are gone .*; put the scans back where/,
      ),
    ])
    expect(code).toBe(2)
    expect(existsSync(join(gone, 'index.html'))).toBe(false)
  })

  it('names a scan that is gone, comma included, but of several channels the one', async () => {
    const names: [string, string][] = [
      ['one,a.nii.gz', 'one,a.nii.gz'],
      ['t1.nii.gz,t2.nii.gz', 't1.nii.gz'],
    ]
    for (const [i, [given, missing]] of names.entries()) {
      const files = i === 0 ? [study.path(given)] : given.split(',').map((name) => study.path(name))
      for (const file of files) cpSync(study.path('<b>.nii.gz'), file)
      const output = study.path(`comma-${i}`)
      const em = ['--prior', study.path('prior.nii.gz'), '--iterations', '1', '--bias', '0', '-o', output]
      await succeed(['em', files.join(','), ...em])
      for (const file of files) rmSync(file)
      const { errors } = await sae(['report', output])
      expect(errors[0]).toContain(`${study.path(missing)}: is gone, and `)
    }
  })

  it('refuses a folder without results in one line', async () => {
    const { code, errors } = await sae(['report', study.folder])
    expect([code, errors.length]).toEqual([2, 1])
    expect(errors[0]).toMatch(/has no segmentation that sae made and no log/)
    expect((await sae(['report', study.path('nowhere')])).errors[0]).toMatch(/there is no such folder/)
  })
})

describe('modifiedZ', () => {
  it('finds the one that differs, however far it is', () => {
    const scores = modifiedZ([10, 11, 12, 13, 14, 1000])!
    expect(scores[5]).toBeGreaterThan(3.5)
    expect(Math.max(...scores.slice(0, 5).map(Math.abs))).toBeLessThan(3.5)
    // Median 12, median distance from it 1.
    expect(modifiedZ([10, 11, 12, 13, 14])![0]).toBeCloseTo(-2 * 0.6745, 12)
  })

  it('says nothing of few values, or of values most of which are equal', () => {
    expect(modifiedZ([1, 2, 3, 100])).toBeUndefined()
    expect(modifiedZ([5, 5, 5, 5, 100])).toBeUndefined()
  })
})
