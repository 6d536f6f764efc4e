import { mkdtempSync, rmSync, symlinkSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { matchRun } from '../../../src/cli/grids/match-run.js'
import { Terminal } from '../../../src/cli/terminal.js'
import { readText, writeVolume } from '../../../src/io/files.js'
import { makeVolume, rejectedUserError } from '../../io/support.js'
import { sae } from '../support.js'

let folder = ''
const at = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sae-headers-'))
  for (const extension of ['nii', 'nii.gz', 'npy', 'npz']) {
    await writeVolume(at(`scan.${extension}`), makeVolume(1, [30, 40, 50]), 'float32')
    await writeVolume(at(`prior.${extension}`), makeVolume(3, [30, 40, 50]), 'float32')
  }
  await writeVolume(at('half.nii.gz'), makeVolume(3, [15, 20, 25]), 'float32')
  await writeVolume(at('other.nii.gz'), makeVolume(1, [30, 40, 51]), 'float32')
  // Nothing behind the header: whoever reads the image fails.
  truncateSync(at('prior.nii'), 352)
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const check = (prior: string, scan: string, more: { labels?: string; every?: number } = {}) => {
  const { labels, every = 1 } = more
  const files = { prior: at(prior), scans: [at(scan)], labels: labels === undefined ? labels : [at(labels)] }
  return matchRun(files, every, { matchByIndex: false, resample: false }, new Terminal('silent'))
}

describe('the headers of inputs', () => {
  it('are all that is read', async () => {
    await check('prior.nii', 'scan.nii.gz', { labels: 'scan.npz' })
    expect(await rejectedUserError(check('prior.nii', 'other.nii.gz'))).toMatch(
      /the prior and the scan differ in shape: .*other\.nii\.gz is 30x40x51, .*prior\.nii is 30x40x50/,
    )
  })

  it('allow a prior of the full size or of the size that --every leaves', async () => {
    await check('prior.npz', 'scan.nii', { every: 2 })
    await check('half.nii.gz', 'scan.nii', { every: 2 })
    expect(await rejectedUserError(check('half.nii.gz', 'scan.nii', { every: 3 }))).toContain(
      'differ in shape',
    )
  })

  it('tell scans, labels and priors apart', async () => {
    expect(await rejectedUserError(check('scan.nii', 'scan.nii'))).toMatch(/has one channel, .*--tissues/)
    expect(await rejectedUserError(check('prior.npy', 'prior.npy'))).toContain(
      '3 volumes, but a scan has one',
    )
    const labels = { labels: 'other.nii.gz' }
    expect(await rejectedUserError(check('prior.npy', 'scan.nii', labels))).toContain(
      'the labels and the scan differ',
    )
    expect(await rejectedUserError(check('prior.npy', 'aseg.mnc'))).toMatch(/aseg\.mnc: not a volume/)
    expect(await rejectedUserError(check('prior.npy', 'none.nii'))).toContain(
      'none.nii: cannot be read: no such file',
    )
  })
})

describe.skipIf(process.platform === 'win32')('a device under the name of a file', () => {
  it('is not read to its end, which it does not have', async () => {
    symlinkSync('/dev/zero', at('zero.nii'))
    symlinkSync('/dev/zero', at('zero.json'))
    expect(await rejectedUserError(check('prior.npy', 'zero.nii'))).toContain(
      'a device or a pipe, not a file',
    )
    expect(await rejectedUserError(readText(at('zero.json')))).toContain('a device or a pipe, not a file')
  })
})

describe('sae prior', () => {
  it('says what to do with tissue maps in several files', async () => {
    const data = new Float32Array(8).fill(0.25)
    for (const tissue of ['csf', 'gm', 'wm']) {
      const map = { ...makeVolume(1, [2, 2, 2]), data }
      await writeVolume(at(`${tissue}.nii.gz`), map, 'float32')
    }
    const maps = ['csf', 'gm', 'wm'].map((tissue) => at(`${tissue}.nii.gz`))
    const { code, errors } = await sae(['prior', ...maps, '-o', at('out.nii.gz')])
    expect(code).toBe(2)
    expect(errors.at(-1)).toMatch(
      /csf\.nii\.gz: holds fractions .* give the maps of all tissues with --tissues/,
    )
  })
})
