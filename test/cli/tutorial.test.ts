/** docs/tutorial.md, block by block, on two small heads and the labels of a third. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLabelVolume, readVolume, writeVolume } from '../../src/io/files.js'
import { grid, head, makeHead } from './prepare/make-head.js'
import { program } from './support.js'

const page = readFileSync(fileURLToPath(new URL('../../docs/tutorial.md', import.meta.url)), 'utf8')
const commands = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, block]) =>
  block!.trim().split('\n'),
)

/** What each command is given besides: heads of 6 mm voxels need no conforming, and a few steps will do. */
const besides: Readonly<Record<string, string>> = {
  prepare: '--skip conform --bias 1',
  prior: '--classes classes.json',
  pretrain: '--steps 12',
  train: '--steps 12',
  evaluate: '--classes classes.json',
}

const table = {
  classes: [
    { name: 'background', abbreviation: 'bg', codes: [0], role: 'background' },
    { name: 'grey matter', abbreviation: 'gm', codes: [2] },
    { name: 'white matter', abbreviation: 'wm', codes: [3] },
  ],
}

let study: Awaited<ReturnType<typeof makeHead>>
beforeAll(async () => {
  study = await makeHead()
  const { path } = study
  renameSync(study.network, path('mindgrab'))
  for (const folder of ['raw', 'truth']) mkdirSync(path(folder))
  const labels = Float32Array.from(head.tissue, (tissue) => (tissue === 2 || tissue === 3 ? tissue : 0))
  const write = (name: string, data: Float32Array, at: readonly [number, number, number]) => {
    const affine = grid.affine.map((row, r) => (r < 3 ? [...row.slice(0, 3), row[3]! + at[r]!] : row))
    const type = data === labels ? 'uint8' : 'float32'
    return writeVolume(path(name), { data, channels: 1, grid: { ...grid, affine }, source: name }, type)
  }
  await write('raw/sub-01_T1w.nii.gz', head.scan, [0, 0, 0])
  // Elsewhere in the scanner, and in other units.
  await write(
    'raw/sub-02_T1w.nii.gz',
    head.scan.map((value) => 7 * value),
    [9, -14, 20],
  )
  await write('truth/sub-02_dseg.nii.gz', labels, [9, -14, 20])
  await write('other-labels.nii.gz', labels, [-30, 12, 6])
  writeFileSync(path('classes.json'), JSON.stringify(table))
})
afterAll(() => {
  study.remove()
})

/** Runs a line of the page in the folder of the study, by a shell. */
async function run(line: string): Promise<string> {
  const [, name, rest] = /^sae (\S+) (.*)$/.exec(line)!
  const shell = `"${process.execPath}" "${program}" ${name!} ${rest!} ${besides[name!] ?? ''}`
  const { stdout } = await promisify(execFile)('sh', ['-c', shell], { cwd: study.folder })
  return stdout
}

describe('docs/tutorial.md', () => {
  it('goes from raw scans to a table of volumes', { timeout: 600_000 }, async () => {
    const { path } = study
    expect(commands.length).toBe(10)
    const printed = new Map<string, string>()
    for (const line of commands) {
      const extra = line.includes(' --show ') ? line : undefined
      printed.set(line.split(' ')[1]! + (extra === undefined ? '' : ' --show'), await run(line))
    }
    expect(printed.get('prior --show')).toContain('white matter')
    const rows = readFileSync(path('out/volumes.csv'), 'utf8').trim().split('\n')
    expect(rows[0]).toContain('white_matter_mm3')
    expect(rows).toHaveLength(3)
    for (const folder of ['em', 'out']) expect(existsSync(path(`${folder}/index.html`))).toBe(true)
    expect(readdirSync(path('run'))).toContain('best.safetensors')
    const [raw, back] = [
      await readVolume(path('raw/sub-02_T1w.nii.gz')),
      await readLabelVolume(path('sub-02_dseg.nii.gz')),
    ]
    expect(back.grid.shape).toEqual(raw.grid.shape)
    expect(back.grid.affine).toEqual(raw.grid.affine)
    // Twelve steps on every second voxel of 6 mm: it need not be good, only in the right place.
    const [mean] = /mean of 2 regions +(0?\.\d+)/.exec(printed.get('evaluate')!)!.slice(1).map(Number)
    expect(mean).toBeGreaterThan(0.5)
  })
})
