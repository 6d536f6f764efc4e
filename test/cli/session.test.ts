import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readVolume } from '../../src/io/files.js'
import { readSafetensors } from '../../src/io/safetensors.js'
import { diceScores, meanDice } from '../../src/sae/dice.js'
import { foregroundClasses, toClasses } from '../../src/sae/label-table.js'
import { phantomTable } from '../../src/sae/phantom/phantom.js'
import { makeStudy, program, shape, succeed, type Study } from './support.js'

let study: Study
const K = phantomTable.classes.length

beforeAll(async () => {
  study = await makeStudy()
  await succeed([
    'prior',
    study.unpaired,
    '--classes',
    study.classes,
    '--floor',
    '1e-4',
    '-o',
    study.path('prior.nii.gz'),
  ])
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

describe('sae segment and sae evaluate', () => {
  /** Everything in a NIfTI header that says where the voxels lie. */
  const placement = (file: string): Buffer => {
    const raw = readFileSync(file)
    const header = raw[0] === 0x1f ? gunzipSync(raw) : raw
    return Buffer.concat([header.subarray(76, 92), header.subarray(123, 124), header.subarray(252, 328)])
  }
  let scores: number[]

  beforeAll(async () => {
    const { scans, path } = study
    const weights = ['--weights', path('run/best.safetensors')]
    await succeed([
      'segment',
      ...scans,
      ...weights,
      ...prior(),
      '--posterior',
      '--refine',
      '2',
      '-o',
      path('out'),
    ])
    await succeed([
      'segment',
      scans[0],
      ...weights,
      ...prior(),
      '--labels-out',
      'classes',
      '--refine',
      '2',
      '-o',
      path('out-classes'),
    ])
    const [predicted, truth] = await Promise.all(
      [path('out/a_dseg.nii.gz'), study.labels[0]].map(async (file) =>
        toClasses((await readVolume(file)).data, phantomTable),
      ),
    )
    scores = diceScores(predicted!, truth!, K)
  })

  it('puts the segmentation at the place of the scan', async () => {
    for (const [i, name] of ['a', 'b'].entries()) {
      const file = study.path(`out/${name}_dseg.nii.gz`)
      expect(placement(file)).toEqual(placement(study.scans[i]!))
      expect((await readVolume(file)).grid.shape).toEqual([...shape])
    }
  })

  it('writes codes that the posterior and the table bear out', async () => {
    const { data: posterior, channels } = await readVolume(study.path('out/a_probseg.nii.gz'))
    const { data: codes } = await readVolume(study.path('out/a_dseg.nii.gz'))
    const { data: classes } = await readVolume(study.path('out-classes/a_dseg.nii.gz'))
    expect(channels).toBe(K)
    for (let i = 0; i < codes.length; i++) {
      const probabilities = Array.from({ length: K }, (_, c) => posterior[c * codes.length + i]!)
      expect(Math.abs(probabilities.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-5)
      expect(probabilities[classes[i]!]).toBe(Math.max(...probabilities))
      expect(phantomTable.classes[classes[i]!]!.codes).toContain(codes[i])
    }
    // D runs to the left, so the sides are told apart by planes; the world's x = 0 lies outside this brain.
    const cortexOf = (half: Float32Array) => new Set(half.filter((code) => code === 3 || code === 42))
    const plane = shape[1] * shape[2]
    expect(cortexOf(codes.slice(0, 6 * plane))).toEqual(new Set([42]))
    expect(cortexOf(codes.slice(9 * plane))).toEqual(new Set([3]))
    const [header, background, left, right] = readFileSync(study.path('out/a_dseg.tsv'), 'utf8').split('\n')
    expect(header).toBe('index\tname\tabbreviation\tcolor\tcodes\tclass')
    expect(background).toBe('0\tbackground\tbg\t#000000\t0\tbackground')
    expect(left).toMatch(/^3\tleft cerebral cortex\tctx\t#[0-9a-f]{6}\t3,42\tcerebral cortex$/)
    expect(right).toMatch(/^42\tright cerebral cortex\tctx\t#[0-9a-f]{6}\t3,42\tcerebral cortex$/)
  })

  it('skips finished scans with --keep-existing', async () => {
    const args = [
      ...prior(),
      '--weights',
      study.path('run/best.safetensors'),
      '--posterior',
      '--refine',
      '2',
      '-o',
      study.path('out'),
      '--keep-existing',
    ]
    const { stdout } = await succeed(['segment', ...study.scans, ...args])
    expect(stdout).toBe('2 of 2 scans are segmented already.\n')
  })

  it('prints Dice per region and their mean, by the table beside the segmentation', async () => {
    const truth = study.labels[0]
    const { stdout } = await succeed([
      'evaluate',
      study.path('out/a_dseg.nii.gz'),
      truth,
      '--csv',
      study.path('dice.csv'),
    ])
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(9)
    phantomTable.classes.slice(1).forEach(({ name }, i) => {
      expect(lines[i + 1]).toMatch(new RegExp(`^${name} +${scores[i + 1]!.toFixed(4)}$`))
    })
    const mean = meanDice(scores, foregroundClasses(phantomTable))
    expect(lines[8]).toMatch(new RegExp(`^mean of 7 regions +${mean.toFixed(4)}$`))
    const csv = readFileSync(study.path('dice.csv'), 'utf8').trimEnd().split('\n')
    expect([csv[0], csv[8]]).toEqual(['name,abbreviation,dice', `mean,mean,${mean}`])

    const json = await succeed(['evaluate', study.path('out-classes/a_dseg.nii.gz'), truth, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ mean })
    const perfect = await succeed(['evaluate', truth, truth, '--classes', study.classes])
    expect(perfect.stdout).toMatch(/mean of 7 regions +1\.0000\n$/)
  })
})
