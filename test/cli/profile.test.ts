/** What commands show of the device's work: --profile and SAE_DEBUG. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeStudy, sae, succeed, type Study } from './support.js'

let study: Study
beforeAll(async () => {
  study = await makeStudy()
  await succeed(['prior', study.unpaired, '--classes', study.classes, '-o', study.path('prior.nii.gz')])
})
afterAll(() => {
  study.remove()
})

const learn = (command: string, output: string, ...more: string[]) => [
  ...[command, ...study.scans, '--prior', study.path('prior.nii.gz'), '-o', study.path(output)],
  ...['--recipe', 'paper', ...more],
]

/** The rows of the one table that a command printed, by what stands in them. */
function tableOf(stdout: string): { rows: string[]; dispatches: number; milliseconds: number } {
  const text = /\n\n(op +layer[^]*?\n(\d+) dispatches, ([\d.]+) ms)\n/.exec(stdout)
  expect(stdout.match(/^op +layer/gm)).toHaveLength(1)
  const [, table, dispatches, milliseconds] = text!
  return {
    rows: table!.split('\n').slice(1, -1),
    dispatches: Number(dispatches),
    milliseconds: Number(milliseconds),
  }
}

describe('--profile', () => {
  it('prints the kernels of a step once, and changes nothing that is learnt', async () => {
    const args = (output: string) => learn('pretrain', output, '--epochs', '2')
    await succeed(args('plain'))
    const { stdout } = await succeed([...args('run'), '--profile'])
    const { rows, dispatches, milliseconds } = tableOf(stdout)
    expect(rows.length).toBeGreaterThan(50)
    expect(dispatches).toBeGreaterThanOrEqual(rows.length)
    expect(milliseconds).toBeGreaterThan(0)
    expect(rows.filter((row) => /encoder\.block0 +conv3d\/forward /.test(row))).not.toEqual([])
    expect(rows.filter((row) => row.includes('adam/update'))).not.toEqual([])
    const weights = (output: string) => readFileSync(study.path(`${output}/pretrained.safetensors`))
    expect(weights('run')).toEqual(weights('plain'))
  })

  it('works for training and segmentation', async () => {
    const { path, scans } = study
    const trained = await succeed(learn('train', 'run', '--epochs', '1', '--profile'))
    expect(tableOf(trained.stdout).rows.join('\n')).toMatch(/^posterior .* posterior\/forward /m)
    const weights = ['--weights', path('run/best.safetensors'), '--prior', path('prior.nii.gz')]
    const segmented = await succeed(['segment', ...scans, ...weights, '-o', path('out'), '--profile'])
    expect(tableOf(segmented.stdout).rows.join('\n')).toMatch(/^argmax .* argmax\/forward /m)
  })
})

describe('SAE_DEBUG', () => {
  it('shows plans and shaders on stderr', async () => {
    const args = learn('pretrain', 'debug', '--epochs', '1')
    const { code, errors, stdout } = await sae(args, { SAE_DEBUG: 'plan,shaders' })
    expect(code).toBe(0)
    expect(errors.filter((line) => line.startsWith('op '))).not.toEqual([])
    expect(errors).toContain('shader conv3d/forward')
    expect(stdout).not.toContain('dispatches')
  })
})
