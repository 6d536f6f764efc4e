/** `sae evaluate` on folders, globs, lists and BIDS derivatives. */
import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseCsv } from '../../../src/cli/tables/csv.js'
import { makeStudy, sae, shape, succeed, type Study } from '../support.js'

let study: Study
beforeAll(async () => {
  study = await makeStudy()
})
afterAll(() => {
  study.remove()
})

/** White matter (41) in a box, moved by voxels of 2 mm. */
async function put(name: string, move: number): Promise<string> {
  const [D, H, W] = shape
  const data = new Float32Array(D * H * W)
  for (let d = 3; d < 7; d++)
    for (let h = 3; h < 7; h++) for (let w = 1; w < 4; w++) data[(d * H + h) * W + w + move] = 41
  mkdirSync(dirname(study.path(name)), { recursive: true })
  return study.write(name, data, 'uint8')
}

const rowsOf = (file: string) => parseCsv(readFileSync(study.path(file), 'utf8'), file).rows
const matter = (file: string): (string | undefined)[][] =>
  rowsOf(file)
    .filter((row) => row.get('region') === 'cerebral white matter')
    .map((row) => [row.get('scan'), row.get('hd95_mm')])

let n = 0
let folder: string
beforeEach(() => {
  folder = `case${n++}`
})
const evaluate = (...more: string[]): string[] => ['evaluate', ...more, '--quiet']
const at = (name: string): string => study.path(`${folder}/${name}`)

async function fill(files: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, move] of Object.entries(files)) await put(`${folder}/${name}`, move)
}

describe('sae evaluate on a cohort', () => {
  it('pairs the files of two folders by name, and summarises the scans', async () => {
    // In another order, and with files beside them that are no segmentations.
    await fill({
      'em/s10_dseg.nii.gz': 2,
      'em/s2_dseg.nii': 1,
      'em/s3_dseg.nii.gz': 0,
      'em/s2_entropy.nii': 5,
    })
    await fill({ 'truth/s10.nii.gz': 0, 'truth/s2_labels.npz': 0, 'truth/s3.nii': 0 })
    const csv = ['--csv', at('scores.csv'), '--group-csv', at('group.csv')]
    const { stdout } = await succeed(evaluate(at('em'), at('truth'), ...csv))
    expect(matter(`${folder}/scores.csv`)).toEqual([
      ['s2', '2'],
      ['s3', '0'],
      ['s10', '4'],
    ])
    expect(stdout).toMatch(/^s10 +0\.\d{4} +4\.00/m)
    expect(stdout).toMatch(/^cerebral white matter +3 .* 2\.00 \+- 2\.00 \(2\.00, 4\.00\)/m)
    const group = rowsOf(`${folder}/group.csv`)
    expect(group).toHaveLength(13)
    const row = group.find((one) => one.get('region') === 'cerebral white matter')!
    expect(['n', 'hd95_mm_n', 'hd95_mm_mean', 'hd95_mm_sd'].map((column) => row.get(column))).toEqual([
      ...['3', '3', '2', '2'],
    ])
    expect(
      ['hd95_mm_median', 'hd95_mm_min', 'hd95_mm_max', 'dice_max'].map((column) => row.get(column)),
    ).toEqual([...['2', '0', '4', '1']])
    // 48 voxels each; 2 of 3 columns overlap, or 1: (2 x 16 + 1) / 97.
    expect(Number(row.get('dice_min'))).toBeCloseTo(33 / 97, 12)
    expect(group.find((one) => one.get('region') === 'pallidum')!.get('dice_mean')).toBe('')
    const json = await succeed(['evaluate', at('em'), at('truth'), '--json'])
    expect(json.errors.join('\n')).toMatch(/^s10: .* against /m)
    const { summary } = JSON.parse(json.stdout) as {
      summary: { name: string; of: { hd95: { min: number; max: number } } }[]
    }
    expect(summary.find(({ name }) => name === 'cerebral white matter')!.of.hd95).toMatchObject({
      min: 0,
      max: 4,
    })
  })

  it('names every file without a partner, and goes on without them only if asked to', async () => {
    await fill({ 'em/a_dseg.nii': 1, 'em/b_dseg.nii': 0, 'em/c_dseg.nii': 0 })
    await fill({ 'truth/a.nii': 0, 'truth/d.nii': 0 })
    const args = evaluate(at('em'), '--labels', at('truth'), '--csv', at('scores.csv'))
    const { code, stdout, errors } = await sae(args)
    expect([code, stdout, errors.length]).toEqual([2, '', 1])
    expect(errors[0]!.replaceAll(at(''), '')).toMatch(
      /3 of 5 label maps have no partner by their names: segmentations em\/b_dseg\.nii; em\/c_dseg\.nii; references truth\/d\.nii; rename them, .*--allow-unpaired$/,
    )
    expect(existsSync(at('scores.csv'))).toBe(false)
    const allowed = await succeed([...args, '--allow-unpaired'])
    expect(allowed.errors.join('\n')).toMatch(/b_dseg\.nii; .*c_dseg\.nii; references .*d\.nii; left out$/m)
    expect(matter(`${folder}/scores.csv`)).toEqual([['a', '2']])
    await fill({ 'none/x.nii': 0 })
    const none = await sae(evaluate(at('em'), at('none'), '--allow-unpaired'))
    expect([none.code, none.errors.length]).toEqual([2, 1])
    expect(none.errors[0]).toMatch(/^sae: 4 of 4 label maps have no partner/)
  })

  it('takes globs, lists and BIDS derivatives, whose tables can be compared', async () => {
    const scans = [1, 2, 3, 4, 5, 6].map((i) => `sub-0${i}/anat/sub-0${i}`)
    for (const [i, scan] of scans.entries()) {
      await fill({ [`ds/${scan}_seg-sae_dseg.nii.gz`]: 0, [`truth/${scan}_desc-manual_dseg.nii.gz`]: 0 })
      await fill({ [`net/sub-0${i + 1}_T1w_dseg.nii.gz`]: 1 })
    }
    writeFileSync(at('ds/dataset_description.json'), '{}')
    const truths = at('truth/**/*_dseg.nii.gz')
    await succeed(evaluate(at('ds'), truths, '--csv', at('em.csv'), '--metrics', 'dice'))
    await succeed(evaluate(at('net'), truths, '--csv', at('net.csv'), '--metrics', 'dice'))
    const { stdout, errors } = await succeed(['compare', at('em.csv'), at('net.csv'), '--metric', 'vs'])
    expect(errors).toEqual([])
    expect(stdout).toMatch(/^cerebral white matter +6 +1\.0000 +1\.0000 +0\.0000 +0 \(6 equal\) +1\.000$/m)
    const dice = await succeed(['compare', at('em.csv'), at('net.csv')])
    expect(dice.stdout).toMatch(/^cerebral white matter +6 +1\.0000 +0\.\d{4} +-0\.\d{4} +0 +0\.020$/m)

    writeFileSync(
      at('pairs.tsv'),
      'scan\tlabels\nnet/sub-02_T1w_dseg.nii.gz\ttruth/sub-01/anat/sub-01_desc-manual_dseg.nii.gz\n',
    )
    await succeed(evaluate(at('pairs.tsv'), '--csv', at('listed.csv')))
    expect(matter(`${folder}/listed.csv`)).toEqual([['sub-02_T1w', '2']])
  })

  it('takes the participants and sessions that were asked for, on both sides', async () => {
    for (const [move, sub] of ['01', '02', '03'].entries())
      for (const ses of ['a', 'b']) {
        const scan = `sub-${sub}_ses-${ses}`
        await fill({ [`ds/sub-${sub}/ses-${ses}/anat/${scan}_seg-sae_dseg.nii.gz`]: move })
        await fill({ [`truth/${scan}_labels.nii.gz`]: 0 })
      }
    writeFileSync(at('ds/dataset_description.json'), '{}')
    const scored = async (...args: string[]): Promise<(string | undefined)[][]> => {
      await succeed(evaluate(...args, '--csv', at('scores.csv'), '--overwrite'))
      return matter(`${folder}/scores.csv`)
    }
    const both = [at('ds'), at('truth')]
    expect(await scored(...both, '--participant-label', 'sub-02', '03', '--session', 'b')).toEqual([
      ['sub-02_ses-b', '2'],
      ['sub-03_ses-b', '4'],
    ])
    // In the other order, and references by a glob.
    expect(await scored(at('truth/*.nii.gz'), at('ds'), '--participant-label', '01')).toEqual([
      ['sub-01_ses-a_seg-sae', '0'],
      ['sub-01_ses-b_seg-sae', '0'],
    ])
    const row = (sub: string): string =>
      `sub-${sub}\tds/sub-${sub}/ses-a/anat/sub-${sub}_ses-a_seg-sae_dseg.nii.gz\ttruth/sub-${sub}_ses-a_labels.nii.gz\n`
    writeFileSync(at('list.tsv'), `participant_id\tscan\tlabels\n${row('01')}${row('02')}`)
    expect(await scored(at('list.tsv'), '--participant-label', '02')).toHaveLength(1)

    const cases: [string[], RegExp][] = [
      [[...both, '--participant-label', '09'], /ds: has no scan of sub-09, but of sub-01, sub-02, sub-03$/],
      [[...both, '--session', 'c'], /ds: has no label map of session c$/],
      [
        [at('list.tsv'), '--participant-label', '03'],
        /list\.tsv: has no scan of sub-03, but of sub-01, sub-02$/,
      ],
      [[at('list.tsv'), '--session', 'a'], /--session chooses from BIDS derivatives, but none is given$/],
      [
        [at('truth'), at('truth'), '--participant-label', '01'],
        /--participant-label chooses from BIDS deriv/,
      ],
    ]
    for (const [args, message] of cases) {
      const { code, stdout, errors } = await sae(evaluate(...args))
      expect([code, stdout, errors.length]).toEqual([2, '', 1])
      expect(errors[0]).toMatch(message)
    }
  })

  it('counts a pair once, by whatever links it is given, and compares one reference with several', async () => {
    await fill({ 'em/a_dseg.nii': 1, 'em/b_dseg.nii': 0, 'truth/a.nii': 0 })
    symlinkSync('a_dseg.nii', at('em/link_dseg.nii'))
    linkSync(at('truth/a.nii'), at('truth/hard.nii'))
    symlinkSync('a.nii', at('truth/b.nii'))
    const [a, b, link] = ['a', 'b', 'link'].map((name) => at(`em/${name}_dseg.nii`)) as [
      string,
      string,
      string,
    ]
    const [truth, hard] = [at('truth/a.nii'), at('truth/hard.nii')]
    const scored = async (...args: string[]): Promise<unknown> => {
      const { errors } = await succeed(['evaluate', ...args, '--csv', at('scores.csv'), '--overwrite'])
      return [matter(`${folder}/scores.csv`).map(([scan]) => scan), errors.join('\n')]
    }
    const noted = [['a', 'b'], expect.stringContaining('link_dseg.nii: was given more than once')]
    expect(await scored(a, link, b, '--labels', truth, hard, truth)).toEqual(noted)
    writeFileSync(
      at('pairs.tsv'),
      'scan\tlabels\nem/a_dseg.nii\ttruth/a.nii\nem/link_dseg.nii\ttruth/a.nii\nem/b_dseg.nii\ttruth/b.nii\n',
    )
    expect(await scored(at('pairs.tsv'))).toEqual(noted)
    expect(await scored(at('em'), '--labels', at('truth'), '--allow-unpaired')).toEqual(noted)
  })

  it('refuses what it cannot pair in one line', async () => {
    await fill({ 'em/a_dseg.nii': 0, 'truth/a.nii': 0 })
    mkdirSync(at('empty'))
    writeFileSync(at('scans.tsv'), 'scan\nem/a_dseg.nii\n')
    const cases: [string[], RegExp][] = [
      [[at('em'), at('empty')], /empty: holds no label map; give a folder of them, or a glob in quotes$/],
      [[at('em'), at('gone')], /gone: no such file or folder$/],
      [[at('em'), at('truth/z*.nii')], /z\*\.nii: matches no file$/],
      [[at('em')], /missing required argument 'truth'/],
      [[at('scans.tsv')], /scans\.tsv: names no labels for .*a_dseg\.nii, with which/],
      [[at('scans.tsv'), at('truth')], /truth: a list names segmentations and references itself/],
      [
        [at('em'), at('truth'), '--csv', at('t.csv'), '--group-csv', at('t.csv')],
        /t\.csv: --csv and --group-csv name the same file/,
      ],
    ]
    for (const [args, message] of cases) {
      const { code, stdout, errors } = await sae(evaluate(...args))
      expect([code, stdout, errors.length]).toEqual([2, '', 1])
      expect(errors[0]).toMatch(message)
    }
  })
})
