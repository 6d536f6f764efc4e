import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordRun, type Run } from '../../../src/cli/run/run-record.js'

let folder: string
const path = (name: string): string => join(folder, name)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-record-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const adapter = {
  name: 'llvmpipe (LLVM 15.0.6, 256 bits)',
  vendor: 'mesa',
  architecture: '',
  driver: 'Mesa 25',
  software: true,
}
const run = (more: Partial<Run> = {}): Run => ({
  command: 'train',
  options: { lr: 0.001, output: folder },
  inputs: [],
  adapter,
  figures: {},
  ...more,
})

interface RecordFile {
  schema: number
  runs: { [key: string]: unknown; command: string; inputs: { sha256: string | null }[] }[]
}
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as RecordFile

describe('recordRun', () => {
  it('says what ran, when, with what and on what', async () => {
    const file = await recordRun(folder, run({ settings: { learningRate: 0.001 }, figures: { loss: 1 / 3 } }))
    expect(file).toBe(path('run.json'))
    const { schema, runs } = read(file)
    expect(schema).toBe(1)
    expect(runs).toHaveLength(1)
    expect(runs[0]).toMatchObject({
      command: 'train',
      arguments: process.argv.slice(2),
      folder: process.cwd(),
      interrupted: false,
      adapter: { ...adapter, kind: 'lavapipe' },
      options: { lr: 0.001, output: folder },
      settings: { learningRate: 0.001 },
      figures: { loss: 0.3333333 },
    })
    const { started, ended, seconds, versions } = runs[0] as unknown as {
      started: string
      ended: string
      seconds: number
      versions: Record<string, string>
    }
    expect(Date.parse(ended) - Date.parse(started)).toBeCloseTo(1000 * seconds, -1)
    expect(versions.node).toBe(process.versions.node)
    for (const name of ['sae-webgpu', 'webgpu']) expect(versions[name]).toMatch(/^\d+\.\d+\.\d+/)
  })

  it('adds to the runs that wrote there before', async () => {
    await recordRun(folder, run({ command: 'pretrain' }))
    await recordRun(folder, run({ command: 'train', interrupted: 130 }))
    const { runs } = read(path('run.json'))
    expect(runs.map(({ command, interrupted }) => [command, interrupted])).toEqual([
      ['pretrain', false],
      ['train', true],
    ])
    expect(readdirSync(folder)).toEqual(['run.json'])
  })

  it("leaves another program's file of that name alone", async () => {
    writeFileSync(path('run.json'), '{ "runs": [1] }')
    writeFileSync(path('run-1.json'), 'not JSON')
    expect(await recordRun(folder, run())).toBe(path('run-2.json'))
    expect(await recordRun(folder, run())).toBe(path('run-2.json'))
    expect(read(path('run-2.json')).runs).toHaveLength(2)
    expect(readFileSync(path('run.json'), 'utf8')).toBe('{ "runs": [1] }')
    expect(readFileSync(path('run-1.json'), 'utf8')).toBe('not JSON')
  })

  it('identifies its inputs, and how the prior was made', async () => {
    const bytes = Buffer.alloc(3_000_001, 'scan')
    writeFileSync(path('scan.nii'), bytes)
    writeFileSync(path('prior.nii.gz'), 'prior')
    writeFileSync(
      path('prior.json'),
      JSON.stringify({ classes: [], rest: 3, sources: ['map.nii'], blur: 1.5 }),
    )
    const inputs = [
      { role: 'scan', path: path('scan.nii') },
      { role: 'prior', path: path('prior.nii.gz') },
      { role: 'weights', path: path('gone.safetensors') },
    ]
    const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
    expect(read(await recordRun(folder, run({ inputs }))).runs[0]!.inputs).toEqual([
      { ...inputs[0], bytes: 3_000_001, sha256: sha256(bytes) },
      { ...inputs[1], bytes: 5, sha256: sha256('prior'), recipe: { sources: ['map.nii'], blur: 1.5 } },
      { ...inputs[2], bytes: null, sha256: null },
    ])
  })

  it('writes values that JSON has no number for', async () => {
    const file = await recordRun(folder, run({ figures: { loss: Infinity, mean: NaN, none: undefined } }))
    expect(read(file).runs[0]!.figures).toEqual({ loss: 'Infinity', mean: 'NaN' })
  })

  it('says what the disk refused', async () => {
    await expect(recordRun(path('nowhere'), run())).rejects.toThrow(/nowhere.\S+: cannot be written: no such/)
  })
})
