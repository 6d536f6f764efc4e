/** Scans of two channels through every command that takes scans. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCsv } from '../../../src/cli/tables/csv.js'
import { requireColumns } from '../../../src/cli/tables/csv-log.js'
import { readSafetensors } from '../../../src/io/safetensors.js'
import { readVolume } from '../../../src/io/files.js'
import { breaches } from '../cohort/bids-rules.js'
import { makePrior, makeStudy, sae, succeed, visibleFiles, type Study } from '../support.js'

let study: Study
let scans: readonly string[]
const quick = ['--steps', '2', '--batch-size', '2']

beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
  const others: string[] = []
  for (const [i, scan] of study.scans.entries()) {
    const { data } = await readVolume(scan)
    const top = data.reduce((a, b) => Math.max(a, b))
    const low = data.reduce((a, b) => Math.min(a, b))
    // Fluid bright, white matter dark, as in T2, in units of its own.
    const inverted = data.map((value) => (value === low ? 0 : 900 * (1.2 - (value - low) / (top - low))))
    others.push(await study.write(`t2-${i}.nii.gz`, inverted, 'float32'))
  }
  scans = study.scans.map((scan, i) => `${scan},${others[i]!}`)
})
afterAll(() => {
  study.remove()
})

const prior = (): string[] => ['--prior', study.path('prior.nii.gz')]
const refusal = async (args: readonly string[]): Promise<string> => {
  const { code, stdout, errors } = await sae(args)
  expect([code, stdout]).toEqual([2, ''])
  expect(errors).toHaveLength(1)
  return errors[0]!
}

describe('scans of two channels', () => {
  it('are segmented by em, each channel with a bias field of its own', async () => {
    const args = ['em', ...scans, ...prior(), '-o', study.path('em'), '--bias', '1', '--iterations', '5']
    const { stdout } = await succeed([...args, '--report'])
    const ofScan = [1, 2].map((c) => `channel-${c}_biasfield.nii.gz`)
    const files = visibleFiles(study.path('em'))
    expect(files.filter((name) => name.startsWith('a_'))).toEqual(
      [...ofScan, 'dseg.nii.gz', 'dseg.tsv', 'report.html'].map((ending) => `a_${ending}`),
    )
    expect(stdout).toMatch(/means: background \d\.\d{3}\/\d\.\d{3}/)
    const { runs } = JSON.parse(readFileSync(study.path('em/run.json'), 'utf8')) as {
      runs: { inputs: { role: string; path: string; sha256: string }[] }[]
    }
    const inputs = runs[0]!.inputs.filter(({ role }) => role === 'scan')
    expect(inputs.map(({ path }) => path)).toEqual(scans)
    expect(inputs.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true)
    // The second channel counts: another one is not what was segmented.
    const again = ['--keep-existing', '--report']
    expect((await succeed([...args, ...again])).stdout).toContain('2 of 2 scans are segmented already')
    const swapped = scans.map((scan) => scan.split(',').toReversed().join(','))
    await succeed([
      ...args.slice(0, 1),
      swapped[0]!,
      ...args.slice(3, 5),
      '-o',
      study.path('swapped'),
      '--bias',
      '0',
    ])
    expect(visibleFiles(study.path('swapped'))).toContain('t2-0_dseg.nii.gz')
  })

  it('are learnt from by one model', async () => {
    const run = study.path('run')
    await succeed(['pretrain', ...scans, ...prior(), ...quick, '-o', run])
    const init = `${run}/pretrained.safetensors`
    const train = ['train', ...scans, ...prior(), '--init', init, '--decoder-steps', '2', ...quick]
    await succeed([...train, '-o', run])
    const errors = [1, 2].flatMap((c) => [`mse_${c}`, `weight_${c}`, `sigma_${c}`])
    const columns = ['loss', 'reconstruction', 'kl', 'mrf', ...errors]
    await requireColumns(`${run}/train.csv`, ['epoch', 'step', ...columns, 'seconds'])
    const weights = `${run}/best.safetensors`
    const { tensors } = readSafetensors(readFileSync(weights), weights)
    expect(tensors.get('encoder.block0.weight')!.shape[1]).toBe(2)
    expect(tensors.get('decoder.weight')!.shape[0]).toBe(2)

    const resumed = ['train', ...scans, ...prior(), '--resume', `${run}/last.safetensors`, '--steps', '4']
    await succeed([...resumed, '-o', run])
    expect(readFileSync(`${run}/train.csv`, 'utf8').trim().split('\n')).toHaveLength(5)
  })

  it('are segmented and adapted to with its weights, which take no others', async () => {
    const weights = `${study.path('run')}/best.safetensors`
    const out = study.path('out')
    const segment = ['segment', ...scans, ...prior(), '--weights', weights]
    await succeed([...segment, '--reconstruction', '-o', out])
    const images = [1, 2].map((c) => `${out}/a_channel-${c}_reconstruction.nii.gz`)
    const [first, second] = [await readVolume(images[0]!), await readVolume(images[1]!)]
    expect(first.grid).toEqual((await readVolume(study.scans[0])).grid)
    expect(first.data).not.toEqual(second.data)

    const adapt = ['adapt', scans[0]!, ...prior(), '--weights', weights, '-o', study.path('adapted')]
    await succeed(adapt)
    expect(existsSync(study.path('adapted/a_dseg.nii.gz'))).toBe(true)

    const alone = ['segment', study.scans[0], ...prior(), '--weights', weights, '-o', study.path('none')]
    expect(await refusal(alone)).toMatch(
      /best\.safetensors: its encoder is for scans of 2 channels, but .*a\.nii\.gz is one of 1 channel; join/,
    )
    const start = ['train', study.scans[0], ...prior(), '--init', weights, ...quick, '-o', study.path('none')]
    const { code, errors } = await sae(start)
    // After the warning that the prior does not say where it lies.
    expect([code, errors.at(-1)]).toEqual([2, expect.stringContaining('is for scans of 2 channels')])
    expect(existsSync(study.path('none'))).toBe(false)
  })

  it('may have channels with other axes and voxels, given --resample', async () => {
    const [one, two] = scans[0]!.split(',') as [string, string]
    const coarse = study.path('coarse.nii.gz')
    await succeed(['resample', two, '--spacing', '2', '-o', coarse])
    const placed = study.path('placed-prior.nii.gz')
    await succeed(['prior', study.labels[0], '--classes', study.classes, '-o', placed])
    const files = ['em', `${one},${coarse}`, '--prior', placed, '-o', study.path('regridded')]
    const args = [...files, '--iterations', '3']
    expect(await refusal(args)).toMatch(/the prior and the scan differ in shape: .*coarse\.nii\.gz/)
    await succeed([...args, '--resample'])
    const { grid } = await readVolume(study.path('regridded/a_dseg.nii.gz'))
    expect(grid).toEqual((await readVolume(one)).grid)
  })

  it('may come from lists and BIDS datasets', async () => {
    const list = study.path('list.tsv')
    const relative = scans.map((scan) => scan.replaceAll(`${study.folder}/`, ''))
    writeFileSync(
      list,
      ['participant_id\tscan', ...relative.map((scan, i) => `${i + 1}\t${scan}`)].join('\n'),
    )
    const quickly = [...prior(), '--iterations', '2', '--bias', '0']
    await succeed(['em', list, ...quickly, '-o', study.path('listed')])
    expect(visibleFiles(study.path('listed'))).toContain('b_dseg.nii.gz')

    const dataset = study.path('bids')
    const put = (file: string, name: string): void => {
      mkdirSync(dirname(`${dataset}/${name}`), { recursive: true })
      cpSync(file, `${dataset}/${name}`)
    }
    const [[one, two]] = scans.map((scan) => scan.split(',')) as [[string, string]]
    put(one, 'sub-01/anat/sub-01_T1w.nii.gz')
    put(two, 'sub-01/anat/sub-01_T2w.nii.gz')
    put(one, 'sub-02/anat/sub-02_T1w.nii.gz')
    writeFileSync(`${dataset}/dataset_description.json`, '{"Name": "made", "BIDSVersion": "1.9.0"}')
    const args = ['em', dataset, '--suffix', 'T1w,T2w', ...quickly, '-o', study.path('derived')]
    expect(await refusal(args)).toMatch(/sub-02_T1w\.nii\.gz: there is no T2w beside it/)
    await succeed([...args, '--participant-label', '01'])
    const both = study.path('derived/sub-01/anat/sub-01_seg-sae_desc-T1wT2w_dseg.nii.gz')
    const bytes = readFileSync(both)
    // Neither of its contrasts alone replaces it, not even if files may be replaced.
    for (const suffix of ['T1w', 'T2w'])
      await succeed([
        ...['em', dataset, '--suffix', suffix, ...quickly, '-o', study.path('derived')],
        ...['--participant-label', '01', '--overwrite'],
      ])
    expect(readFileSync(both)).toEqual(bytes)
    expect(
      visibleFiles(study.path('derived/sub-01/anat')).filter((name) => name.endsWith('_dseg.nii.gz')),
    ).toEqual(['desc-T1wT2w_', 'desc-T2w_', ''].map((desc) => `sub-01_seg-sae_${desc}dseg.nii.gz`))
    const sidecar = readFileSync(both.replace('.nii.gz', '.json'), 'utf8')
    expect((JSON.parse(sidecar) as { Sources: string[] }).Sources).toEqual(
      ['T1w', 'T2w'].map((suffix) => `bids:raw:sub-01/anat/sub-01_${suffix}.nii.gz`),
    )
    expect(await breaches(study.path('derived'))).toEqual([])

    // Plain names are those of first files: one that is taken gets that of a folder, too.
    const plain = ['em', dataset, ...quickly, '--participant-label', '01', '--layout', 'plain']
    await succeed([...plain, '-o', study.path('plain')])
    await succeed([...plain, '--suffix', 'T1w,T2w', '-o', study.path('plain'), '--overwrite'])
    expect(visibleFiles(study.path('plain')).filter((name) => name.endsWith('_dseg.nii.gz'))).toEqual([
      ...['anat_sub-01_T1w_dseg.nii.gz', 'sub-01_T1w_dseg.nii.gz'],
    ])
  })

  it('may come from a folder per contrast, paired by name', async () => {
    for (const [i, name] of ['s1', 's2'].entries())
      for (const [c, file] of scans[i]!.split(',').entries()) {
        const to = study.path(`t${c + 1}/${name}_t${c + 1}${file.endsWith('.gz') ? '.nii.gz' : '.nii'}`)
        mkdirSync(dirname(to), { recursive: true })
        cpSync(file, to)
      }
    const folders = `${study.path('t1')}/,${study.path('t2')}/`
    const args = ['em', folders, ...prior(), '--iterations', '2', '--bias', '0', '-o']
    await succeed([...args, study.path('folders')])
    const { rows } = parseCsv(readFileSync(study.path('folders/volumes.csv'), 'utf8'), 'volumes.csv')
    expect(rows.map((row) => row.get('file')!.replaceAll(`${study.folder}/`, ''))).toEqual([
      ...['t1/s1_t1.nii.gz,t2/s1_t2.nii.gz', 't1/s2_t1.nii,t2/s2_t2.nii.gz'],
    ])
    cpSync(study.scans[0], study.path('t1/s3.nii.gz'))
    cpSync(study.scans[0], study.path('t2/s4.nii.gz'))
    expect((await refusal([...args, study.path('none')])).replaceAll(`${study.folder}/`, '')).toBe(
      'sae: t1/,t2/: these have no partner by their names: t1/s3.nii.gz; t2/s4.nii.gz; give them equal names or equal sub- and ses-, or join files in a list',
    )
    expect(existsSync(study.path('none'))).toBe(false)
  })

  it.each<[string, (two: string) => string[], RegExp]>([
    [
      'other numbers of channels',
      (two) => ['em', two, study.scans[1]],
      /b\.nii: is a scan of 1 channel, but .* 2 channels/,
    ],
    [
      'a missing second file',
      () => ['em', `${study.scans[0]},nowhere.nii.gz`],
      /sae: nowhere\.nii\.gz: cannot be read: no such file/,
    ],
    [
      'a name left out',
      () => ['em', `${study.scans[0]},`],
      /commas join the files of one scan, or folders alone, but a name is missing/,
    ],
    ['prepare', (two) => ['prepare', two], /sae prepare takes the contrasts of a subject one by one/],
  ])('are refused: %s', async (_, args, message) => {
    const [command, ...given] = args(scans[0]!)
    const more = command === 'em' ? prior() : []
    expect(await refusal([command!, ...given, ...more, '-o', study.path('refused')])).toMatch(message)
    expect(existsSync(study.path('refused'))).toBe(false)
  })
})
