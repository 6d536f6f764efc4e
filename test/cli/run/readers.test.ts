import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makePrior, makeStudy, program, visibleFiles, type Study } from '../support.js'

let study: Study
beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
})
afterAll(() => {
  study.remove()
})

const em = (to: string): string[] => [
  ...[program, 'em', ...study.scans, '--prior', study.path('prior.nii.gz'), '--iterations', '2'],
  ...['-o', study.path(to)],
]

describe('a reader that stops early', () => {
  it.each(['stdout', 'stderr'] as const)('of %s does not end the work', async (name) => {
    const child = spawn(process.execPath, em(name), { stdio: ['ignore', 'pipe', 'pipe'] })
    const [read, other] = name === 'stdout' ? [child.stdout, child.stderr] : [child.stderr, child.stdout]
    other.resume()
    read.destroy()
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(visibleFiles(study.path(name))).toEqual([
      ...['a_biasfield.nii.gz', 'a_dseg.nii.gz', 'a_dseg.tsv', 'b_biasfield.nii.gz', 'b_dseg.nii.gz'],
      ...['b_dseg.tsv', 'qc.csv', 'run.json', 'volumes.csv'],
    ])
  })
})

describe.skipIf(!existsSync('/dev/full'))('a full disk under the output', () => {
  const toFull = (args: string[], redirection: string): Promise<{ code: number; stderr: string }> =>
    new Promise((resolve) => {
      const command = `exec "$0" "$@" ${redirection}`
      const child = execFile('/bin/sh', ['-c', command, process.execPath, ...args], (_, __, stderr) => {
        resolve({ code: child.exitCode ?? -1, stderr })
      })
    })

  it('is said, and is no success, but the work is done', async () => {
    const { code, stderr } = await toFull(em('full'), '>/dev/full')
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^sae: standard output: cannot be written: the disk is full$/m),
    ])
    expect(visibleFiles(study.path('full'))).toContain('run.json')
  })

  it('of messages alone does not matter', async () => {
    expect((await toFull(em('silent'), '2>/dev/full')).code).toBe(0)
    expect(visibleFiles(study.path('silent'))).toContain('run.json')
  })
})
