/** Learning in a session: pretraining, training, going on with it. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/io/safetensors.js'
import { phantomTable } from '../../src/sae/phantom/phantom.js'
import { makePrior, makeStudy, program, succeed, type Study } from './support.js'

let study: Study

beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
  await pretrain('run')
})
afterAll(() => {
  study.remove()
})

function pretrain(output: string) {
  const { scans, labels, path } = study
  return succeed([
    'pretrain',
    ...scans,
    '--labels',
    ...labels,
    ...prior(),
    '--epochs',
    '2',
    '--lr',
    '0.01',
    '-o',
    path(output),
  ])
}

function train(output: string, ...more: string[]) {
  return succeed(['train', ...trainingArguments(output), ...more])
}

function trainingArguments(output: string): string[] {
  const { scans, labels, path } = study
  return [...scans, '--labels', ...labels, ...prior(), ...quick, '-o', path(output)]
}

/** Tests of files and messages need no good decoder. */
const quick = ['--decoder-steps', '2']

function prior(): string[] {
  return ['--prior', study.path('prior.nii.gz')]
}

/** A log as rows of cells by column, without the times. */
function readLog(name: string): Record<string, string>[] {
  const [header, ...rows] = readFileSync(study.path(name), 'utf8').trimEnd().split('\n')
  const columns = header!.split(',')
  return rows.map((row) => {
    const cells = row.split(',')
    expect(cells).toHaveLength(columns.length)
    return Object.fromEntries(
      columns.flatMap((column, i) => (column === 'seconds' ? [] : [[column, cells[i]!]])),
    )
  })
}

const bytes = (name: string): Buffer => readFileSync(study.path(name))

describe('sae pretrain', () => {
  it('logs every step, with Dice', () => {
    const rows = readLog('run/pretrain.csv')
    expect(rows.map(({ epoch, step }) => [epoch, step])).toEqual([
      ['1', '1'],
      ['1', '2'],
      ['2', '3'],
      ['2', '4'],
    ])
    expect(Object.keys(rows[0]!)).toEqual([
      ...['epoch', 'step', 'cross_entropy', 'mean_dice'],
      ...['dice_ctx', 'dice_wm', 'dice_lv', 'dice_tha', 'dice_put', 'dice_cb', 'dice_bs'],
    ])
    expect(Number(rows[3]!.cross_entropy)).toBeLessThan(Number(rows[0]!.cross_entropy))
    for (const { mean_dice } of rows) expect(Number(mean_dice)).toBeGreaterThan(0)
  })

  it('gives the same bits for the same seed, and says what it does to the scans', async () => {
    const { errors } = await pretrain('again')
    expect(errors.join('\n')).toMatch(/b\.nii: intensities from -3 to [\d.]+ scaled to 0\.\.1/)
    expect(errors.join('\n')).toMatch(/^adapter: .* \((software|hardware)/m)
    expect(bytes('again/pretrained.safetensors')).toEqual(bytes('run/pretrained.safetensors'))
    expect(bytes('again/pretrain-examples.json')).toEqual(bytes('run/pretrain-examples.json'))
    expect(readSafetensors(bytes('run/pretrained.safetensors')).metadata).toMatchObject({
      intensities: 'robust',
    })
  })
})

describe('sae train', () => {
  const init = () => ['--init', study.path('run/pretrained.safetensors')]
  beforeAll(async () => {
    await train('run', ...init(), '--epochs', '4')
  })

  it('saves the last and the best weights and logs every term', () => {
    const rows = readLog('run/train.csv')
    expect(rows.map(({ step }) => step)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
    for (const row of rows) {
      const value = (name: string): number => Number(row[name])
      expect(Object.values(row).every((cell) => cell !== '' && Number.isFinite(Number(cell)))).toBe(true)
      expect(value('loss')).toBeCloseTo(value('reconstruction') + value('kl') + value('mrf'), 4)
    }
    // The decoder is fitted beforehand; the weight is half of 1 / (2 sigma^2), as the mixture explains the scan too.
    expect(Number(rows[0]!.sigma)).toBeLessThan(1)
    expect(Number(rows[0]!.weight)).toBeCloseTo(0.25 / Number(rows[0]!.sigma) ** 2, 4)
    // Too short to choose: the criterion of the best weights averages over ten steps.
    const { metadata } = readSafetensors(bytes('run/best.safetensors'))
    expect(JSON.parse(metadata.training!)).toMatchObject({ progress: { epoch: 4 } })
    expect(JSON.parse(metadata.classes!)).toEqual(phantomTable)
    expect(metadata.intensities).toBe('robust')
  })

  it('resumes exactly where a run was saved, whatever the log has beyond that', async () => {
    // With a learning rate that decays towards the last epoch, a shorter run is not the start of a longer one.
    const paper = ['--recipe', 'paper']
    await train('whole', ...init(), ...paper, '--epochs', '4')
    await train('parts', ...init(), ...paper, '--epochs', '2')
    const log = study.path('parts/train.csv')
    const further = readFileSync(study.path('whole/train.csv'), 'utf8').split('\n').slice(5, 7)
    writeFileSync(log, `${readFileSync(log, 'utf8')}${further.join('\n')}\n`)
    expect(readLog('parts/train.csv')).toHaveLength(6)
    await train('parts', '--resume', study.path('parts/last.safetensors'), ...paper, '--epochs', '4')
    for (const name of ['last', 'best']) {
      expect(bytes(`parts/${name}.safetensors`)).toEqual(bytes(`whole/${name}.safetensors`))
    }
    expect(readLog('parts/train.csv')).toEqual(readLog('whole/train.csv'))
    expect(bytes('parts/train-examples.json')).toEqual(bytes('whole/train-examples.json'))
  })

  it('ends after its step on Ctrl-C, and resumes from there', async () => {
    const folder = study.path('stopped')
    const args = ['train', ...trainingArguments('stopped'), ...init(), '--epochs', '100000']
    const child = spawn(process.execPath, [program, ...args])
    const rows = (): number => (existsSync(`${folder}/train.csv`) ? readLog('stopped/train.csv').length : 0)
    while (rows() < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill('SIGINT')
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect(code).toBe(130)
    const saved = JSON.parse(readSafetensors(bytes('stopped/last.safetensors')).metadata.training!) as {
      progress: { epoch: number; step: number }
    }
    expect(saved.progress.step).toBe(rows())

    // Mostly the run is stopped within its second epoch; a fast GPU may be further than the run to compare with.
    const epochs = Math.max(4, saved.progress.epoch + 1)
    if (epochs > 4) await train('run', ...init(), '--epochs', String(epochs), '--overwrite')
    await train('stopped', '--resume', `${folder}/last.safetensors`, '--epochs', String(epochs))
    expect(bytes('stopped/last.safetensors')).toEqual(bytes('run/last.safetensors'))
    expect(readLog('stopped/train.csv')).toEqual(readLog('run/train.csv'))
  })

  it('does so too if nothing is scored and steps overlap', async () => {
    const { path, scans } = study
    const args = (output: string, ...more: string[]) => [
      ...['train', ...scans, scans[0], ...prior(), ...quick, '-o', path(output), ...more],
    ]
    const child = spawn(process.execPath, [program, ...args('bare', ...init(), '--epochs', '100000')])
    const rows = (): number => (existsSync(path('bare/train.csv')) ? readLog('bare/train.csv').length : 0)
    while (rows() < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill('SIGTERM')
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(143)
    const saved = JSON.parse(readSafetensors(bytes('bare/last.safetensors')).metadata.training!) as {
      progress: { epoch: number; step: number }
    }
    expect(saved.progress.step).toBe(rows())
    const epochs = ['--epochs', String(saved.progress.epoch + 2)]
    await succeed(args('bare', '--resume', path('bare/last.safetensors'), ...epochs))
    await succeed(args('bare-whole', ...init(), ...epochs))
    expect(readLog('bare/train.csv')).toEqual(readLog('bare-whole/train.csv'))
    for (const name of ['last', 'best'])
      expect(bytes(`bare/${name}.safetensors`)).toEqual(bytes(`bare-whole/${name}.safetensors`))
  })

  it('takes a fixed sigma, an independent prior and no labels', async () => {
    const { scans, path } = study
    const settings = [
      '--sigma',
      'fixed',
      '--alpha',
      '2',
      '--beta',
      '0',
      '--epochs',
      '1',
      '--batch-size',
      '2',
      '--seed',
      '3',
    ]
    await succeed(['train', ...scans, ...prior(), ...init(), ...settings, '-o', path('fixed')])
    const [row, ...rest] = readLog('fixed/train.csv')
    expect(rest).toEqual([])
    expect(row).toMatchObject({ sigma: '', weight: '2', mrf: '0' })
    expect(row).not.toHaveProperty('mean_dice')
  })
})
