/** --memory-limit of the commands, on volumes that are deep enough to be worked on slab by slab. */
import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withGpu } from '../../src/cli/device.js'
import { Terminal } from '../../src/cli/terminal.js'
import { UserError } from '../../src/errors.js'
import { unknownGrid } from '../../src/io/volume.js'
import { toCodes } from '../../src/sae/labels/label-codes.js'
import { makePhantom, phantomTable } from '../../src/sae/phantom/phantom.js'
import { makeStudy, sae, succeed, type Outcome, type Study } from './support.js'

const shape = [96, 32, 48] as const
let study: Study
let scans: string[]
/** What pretraining prints without a limit. */
let pretrained: Outcome

beforeAll(async () => {
  study = await makeStudy()
  const { path, write } = study
  const { subjects, unpaired } = makePhantom({ shape, subjects: 2 })
  const grid = unknownGrid(shape)
  scans = await Promise.all(subjects.map(({ scan }, i) => write(`deep${i}.nii`, scan, 'float32', grid)))
  const codes = Float32Array.from(toCodes(unpaired.labels, phantomTable))
  const labels = await write('deep-labels.nii', codes, 'int16', grid)
  await succeed(['prior', labels, '--classes', study.classes, '-o', path('prior.nii.gz')])
  pretrained = await succeed(pretrain('run'))
})
afterAll(() => {
  study.remove()
})

const path = (name: string): string => study.path(name)
const common = (output: string) => ['--prior', path('prior.nii.gz'), '-o', path(output)]
/** The smaller network of the paper. */
const recipe = ['--recipe', 'paper']
const pretrain = (output: string, ...more: string[]) => [
  ...['pretrain', ...scans, ...common(output), ...recipe, '--epochs', '1', ...more],
]
const train = (output: string, ...more: string[]) => [
  ...[
    'train',
    ...scans,
    ...common(output),
    ...recipe,
    '--epochs',
    '1',
    '--init',
    path('run/pretrained.safetensors'),
  ],
  ...more,
]
const segment = (output: string, ...more: string[]) => [
  ...['segment', scans[0]!, ...common(output), '--weights', path('run/pretrained.safetensors')],
  ...['--posterior', '--refine', '1', ...more],
]

/** Megabytes and slabs that a command announced, and megabytes that it took. */
function memoryOf({ errors, stdout }: Outcome) {
  const line = errors.filter((text) => text.startsWith('memory: '))
  expect(line).toHaveLength(1)
  expect(line[0]).toMatch(
    /^memory: [\d.]+ MB on the device(, in \d+ slabs of \d+ planes)?( \(limit [\d.]+ MB\))?; compiled in [\d.]+ s$/,
  )
  const number = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? NaN)
  return {
    need: number(line[0]!, /([\d.]+) MB on/),
    slabs: number(line[0]!, /in (\d+) slabs/),
    planes: number(line[0]!, /of (\d+) planes/),
    limit: number(line[0]!, /limit ([\d.]+) MB/),
    peak: number(stdout, /Peak device memory: ([\d.]+) MB/),
  }
}

/** A log without its times. */
function losses(name: string): string[] {
  const [header, ...rows] = readFileSync(path(name), 'utf8').trimEnd().split('\n')
  const at = header!.split(',').indexOf('seconds')
  return [header!, ...rows].map((row) => row.split(',').toSpliced(at, 1).join())
}

const bytes = (name: string): Buffer => readFileSync(path(name))

/** Runs a command with the least memory that it says it needs, and refuses less. */
async function withLeast(command: (output: string, ...more: string[]) => string[], output: string) {
  const refused = await sae(command(output, '--memory-limit', '1MB'))
  expect(refused.code).toBe(2)
  expect(refused.stdout).toBe('')
  const [adapter, line, ...others] = refused.errors.filter(
    (text) => !/^warning: |: intensities from /.test(text),
  )
  expect(adapter).toMatch(/^adapter: /)
  expect(others).toEqual([])
  expect(line).toMatch(/^sae: at least [\d.]+ MB of device memory is needed, but the limit is 1 MB; /)
  expect(existsSync(path(output))).toBe(false)
  const least = Number(/at least ([\d.]+) MB/.exec(line!)![1])
  const outcome = await succeed(command(output, '--memory-limit', `${least}MB`))
  const memory = memoryOf(outcome)
  const depth = Number(/^region: (\d+)x/m.exec(outcome.errors.join('\n'))?.[1] ?? shape[0])
  expect(memory).toMatchObject({ limit: least, planes: 8, slabs: Math.ceil(depth / 8) })
  expect(memory.need).toBeLessThanOrEqual(least)
  expect(memory.peak).toBeLessThanOrEqual(memory.need)
  return memory
}

describe('--memory-limit', () => {
  it.each(['lots', '1500', '-1GB', '0MB', '1.2.3GB', '5 XB'])('must be a size: %s', async (size) => {
    for (const command of [pretrain, train, segment]) {
      const { code, stdout, errors } = await sae(command('none', `--memory-limit=${size}`))
      expect(errors).toEqual([
        `sae: option '--memory-limit <size>' argument '${size}' is invalid. It must be a size such as 1.2GB, 800MB or 1GiB.`,
      ])
      expect([code, stdout]).toEqual([2, ''])
    }
    expect(existsSync(path('none'))).toBe(false)
  })

  it('names what saves memory in a command without a batch', async () => {
    const args = ['em', scans[0]!, ...common('none'), '--memory-limit', '1MB']
    const { code, errors } = await sae(args)
    expect(errors.at(-1)).toMatch(/the limit is 1 MB; crop the volumes or use a larger --every, or raise the/)
    expect(code).toBe(2)
    expect(existsSync(path('none'))).toBe(false)
  })

  it('leaves the messages alone that only look like its own', async () => {
    const message = 'a smaller batch.nii.gz: cannot be read'
    const options = { saving: 'a larger --every' }
    const failing = withGpu(options, new Terminal('silent'), () => Promise.reject(new UserError(message)))
    await expect(failing).rejects.toThrow(message)
  })

  it('changes how sae pretrain works, not what comes out', async () => {
    const free = memoryOf(pretrained)
    expect(free).toMatchObject({ slabs: NaN, limit: NaN })
    expect(free.peak).toBeLessThanOrEqual(free.need)
    expect((await withLeast(pretrain, 'pretrain-limited')).need).toBeLessThan(free.need)
    expect(losses('pretrain-limited/pretrain.csv')).toEqual(losses('run/pretrain.csv'))
    expect(bytes('pretrain-limited/pretrained.safetensors')).toEqual(bytes('run/pretrained.safetensors'))
  })

  it('changes how sae train works, not what comes out', async () => {
    const free = memoryOf(await succeed(train('run')))
    expect((await withLeast(train, 'train-limited')).need).toBeLessThan(free.need)
    expect(losses('train-limited/train.csv')).toEqual(losses('run/train.csv'))
    for (const name of ['best', 'last'])
      expect(bytes(`train-limited/${name}.safetensors`)).toEqual(bytes(`run/${name}.safetensors`))
    // Enough is enough, in either unit, and a run goes on with less.
    const [ample] = (await succeed(train('train-ample', '--memory-limit', '1.5 GiB'))).errors.filter((text) =>
      text.startsWith('memory'),
    )
    expect(ample).toMatch(/^memory: [\d.]+ MB on the device \(limit 1610 MB\); /)
    expect(bytes('train-ample/last.safetensors')).toEqual(bytes('run/last.safetensors'))
  })

  it('changes how sae segment works, not what comes out', async () => {
    const free = memoryOf(await succeed(segment('segment')))
    expect((await withLeast(segment, 'segment-limited')).need).toBeLessThan(free.need)
    for (const name of ['deep0_dseg.nii.gz', 'deep0_probseg.nii.gz'])
      expect(bytes(`segment-limited/${name}`)).toEqual(bytes(`segment/${name}`))
  })
})
