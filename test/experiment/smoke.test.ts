import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import type { Cell, Results } from '../../tools/experiment/results.js'

const program = fileURLToPath(new URL('../../tools/experiment/main.ts', import.meta.url))
const described = fileURLToPath(new URL('../../studies/smoke.json', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sae-experiment-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const study = join(folder, 'smoke.json')
const results = join(folder, 'results')
const command = (asked: string): string[] => ['--import', 'tsx', program, asked, '--results', results]
const run = async (asked: string): Promise<string> =>
  (await promisify(execFile)(process.execPath, command(asked))).stdout

const cells = (): readonly Cell[] => {
  const path = join(results, 'smoke.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results).cells : []
}
const keyOf = ({ prior, method, seed }: Cell): string => `${method}@${prior ?? ''} ${seed}`

/** Starts the study and kills it as soon as one cell is there. */
async function killAfterFirstCell(): Promise<void> {
  const child = spawn(process.execPath, command(study), { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  while (cells().length === 0 && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 20))
  child.kill('SIGKILL')
  await ended
}

describe('npm run experiment', () => {
  writeFileSync(study, readFileSync(described))

  it('resumes at the cell at which it was killed, and reruns what has changed', async () => {
    await killAfterFirstCell()
    const first = cells()
    expect(first.length).toBeGreaterThan(0)
    expect(existsSync(join(results, 'smoke.md'))).toBe(false)

    await run(study)
    const all = cells()
    expect(all).toHaveLength(11)
    expect(all.slice(0, first.length)).toEqual(first)
    expect(all.every(({ subjects }) => subjects.length === 2)).toBe(true)
    const report = readFileSync(join(results, 'smoke.md'), 'utf8')
    for (const row of ['| one | prior |', '| atlas | sae-mrf |', '| - | supervised |'])
      expect(report).toContain(row)
    for (const picture of ['smoke.svg', 'smoke-curves.svg'])
      expect(readFileSync(join(results, picture), 'utf8')).toContain('</svg>')

    // Another setting of one method, and one cell lost.
    const lost = 'sae-mrf@one 1'
    writeFileSync(study, readFileSync(described, 'utf8').replace('"iterations": 10', '"iterations": 2'))
    const file = JSON.parse(readFileSync(join(results, 'smoke.json'), 'utf8')) as Results
    const kept = file.cells.filter((cell) => keyOf(cell) !== lost)
    writeFileSync(join(results, 'smoke.json'), JSON.stringify({ ...file, cells: kept }))
    await run(study)
    const changed = cells().filter((cell, i) => cell.finished !== all[i]!.finished)
    expect(changed.map(keyOf)).toEqual(['em@one 1', lost, 'em@atlas 1'])
    // Made with a start of its own now, and still the same to the bit.
    const [before, after] = [all, changed].map((list) => list.find((cell) => keyOf(cell) === lost)!)
    expect(after!.subjects).toEqual(before!.subjects)
    expect(after!.log).toEqual(before!.log)
  })

  it('says in one line which data are missing, with exit code 2', async () => {
    const child = promisify(execFile)(process.execPath, command('real'), {
      env: { ...process.env, SAE_DATA: folder },
    })
    await expect(child).rejects.toMatchObject({ code: 2 })
    await expect(child).rejects.toThrow(`${folder}/labels/OASIS_0223.npz: no such file; set SAE_DATA`)
  })
})
