/** The Snakemake workflow on a small cohort, killed on its way. Skips, and says so, where Snakemake is missing. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync, copyFileSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeStudy, program, type Study } from './support.js'

const isInstalled = spawnSync('snakemake', ['--version']).status === 0
if (!isInstalled) console.warn('skipped: the workflow is not tested, because snakemake is not installed')

let study: Study
let output: string

beforeAll(async () => {
  study = await makeStudy()
  output = study.path('all results')
  for (const [i, file] of ['sub-01/anat/sub-01_T1w.nii.gz', 'sub-02/anat/sub-02_T1w.nii'].entries()) {
    mkdirSync(dirname(study.path(`data set/${file}`)), { recursive: true })
    copyFileSync(study.scans[i]!, study.path(`data set/${file}`))
  }
  writeFileSync(study.path('data set/dataset_description.json'), '{"Name": "x", "BIDSVersion": "1.9.0"}')
  const config = {
    scans: study.path('data set'),
    output,
    prior_from: [study.unpaired],
    prior_blur: 1.5,
    prepare: true,
    shards: 2,
    sae: `"${process.execPath}" "${program}"`,
    threads: 1,
    options: {
      prepare: '--skip conform --skip strip --bias 1',
      prior: `--classes "${study.classes}" --floor 1e-4`,
      pretrain: '--steps 1 --every 2',
      train: '--steps 12 --every 2 --save-every 1',
      segment: '--every 2',
    },
  }
  writeFileSync(study.path('config.json'), JSON.stringify(config))
})
afterAll(() => {
  study.remove()
})

function snakemake(...more: string[]): ChildProcess {
  const files = ['-s', resolve('workflow/Snakefile'), '--configfile', study.path('config.json')]
  const args = [...files, '--directory', study.folder, '--cores', '1', ...more]
  return spawn('snakemake', args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** @returns its exit code and what it wrote */
async function finished(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  let text = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => (text += String(chunk)))
  return new Promise((done) =>
    child.once('close', (code) => {
      done({ code, text })
    }),
  )
}

describe.skipIf(!isInstalled)('workflow/Snakefile', () => {
  it('prepares, makes the prior, trains, segments in shards and reports, and goes on after a kill', async () => {
    const first = snakemake()
    const end = finished(first)
    const checkpoint = `${output}/training/last.safetensors`
    while (!existsSync(checkpoint) && first.exitCode === null) await sleep(20)
    expect(first.exitCode).toBe(null)
    process.kill(-first.pid!, 'SIGKILL')
    await end
    expect(existsSync(`${output}/segmentations`)).toBe(false)

    await finished(snakemake('--unlock'))
    const { code, text } = await finished(snakemake('--rerun-incomplete'))
    expect(code, text).toBe(0)
    // These were done.
    expect(text).not.toMatch(/^rule (prepare|prior|pretrain):$/m)
    expect(text).toMatch(/^rule train:$/m)
    const made = readdirSync(`${output}/segmentations`)
    expect(made).toEqual(
      expect.arrayContaining([
        'index.html',
        ...['sub-01', 'sub-02'].map((name) => `${name}_desc-preproc_T1w_dseg.nii.gz`),
        'volumes.csv',
      ]),
    )
    expect((await finished(snakemake('--dry-run'))).text).toMatch(/Nothing to be done/)
  })
})
