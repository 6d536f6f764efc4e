import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLabelVolume, readVolume, writeVolume } from '../../../src/io/files.js'
import { inverseOf, reorient, reorientGrid, type Orientation } from '../../../src/io/orientation.js'
import { unknownGrid, type Grid } from '../../../src/io/volume.js'
import { grid, makeStudy, sae, succeed, type Study } from '../support.js'

let study: Study
/** The same voxels as a scanner with other axes stores them. */
const turn: Orientation = { axes: [2, 0, 1], flips: [true, false, true] }

beforeAll(async () => {
  study = await makeStudy()
  const { labels, scans, classes, path } = study
  await succeed(['prior', labels[0], '--classes', classes, '-o', path('prior.nii.gz')])
  for (const [name, file] of Object.entries({ scan: scans[0], labels: labels[0] })) {
    const { data, grid: own } = await readVolume(file)
    const turned = reorient(data, own.shape, turn)
    await study.write(
      `turned-${name}.nii.gz`,
      turned,
      name === 'scan' ? 'float32' : 'uint8',
      reorientGrid(own, turn),
    )
    await study.write(
      `bare-${name}.nii.gz`,
      data,
      name === 'scan' ? 'float32' : 'uint8',
      unknownGrid(own.shape),
    )
  }
})
afterAll(() => {
  study.remove()
})

function shifted(by: number): Grid {
  const affine = grid.affine.map((row, i) => row.map((value, j) => (i === 1 && j === 3 ? value + by : value)))
  return { shape: [...grid.shape], affine, known: true }
}

async function shiftedScan(name: string, by: number): Promise<string> {
  const { data } = await readVolume(study.scans[0])
  return study.write(name, data, 'float32', shifted(by))
}

const em = (scan: string, output: string, ...more: string[]): string[] => [
  ...['em', scan, '--prior', study.path('prior.nii.gz'), '--iterations', '3'],
  ...['-o', study.path(output), ...more],
]

async function refused(args: readonly string[]): Promise<string> {
  const { code, errors, stdout } = await sae(args)
  expect(stdout).toBe('')
  expect(code).toBe(2)
  return errors.at(-1)!
}

describe('a scan whose axes run another way', () => {
  it.each([1, 2])(
    'gives the same result, as the scan lies (every %i)',
    { timeout: 120_000 },
    async (every) => {
      const { path } = study
      const more = ['--every', String(every), '--labels', study.labels[0]]
      const right = await succeed(em(study.scans[0], `right-${every}`, ...more))
      const turned = await succeed(
        em(
          path('turned-scan.nii.gz'),
          `turned-${every}`,
          '--every',
          String(every),
          '--labels',
          path('turned-labels.nii.gz'),
        ),
      )
      expect(turned.errors.join('\n')).toMatch(/turned-scan\.nii\.gz \(ILA\): reoriented as .*prior\.nii\.gz/)
      const dice = (stdout: string) => stdout.split('\n').find((line) => line.startsWith('mean of'))
      expect(dice(turned.stdout)).toEqual(dice(right.stdout))

      const expected = await readLabelVolume(path(`right-${every}/a_dseg.nii.gz`))
      const result = await readLabelVolume(path(`turned-${every}/turned-scan_dseg.nii.gz`))
      const back = inverseOf(turn)
      expect(reorient(result.data, result.grid.shape, back)).toEqual(expected.data)
      const placedBack = reorientGrid(result.grid, back)
      expect(placedBack.shape).toEqual(expected.grid.shape)
      placedBack.affine.flat().forEach((value, i) => {
        expect(value).toBeCloseTo(expected.grid.affine.flat()[i]!, 4)
      })
      if (every === 1)
        expect(result.grid.affine).toEqual((await readVolume(path('turned-scan.nii.gz'))).grid.affine)

      // And against the labels of the other axes, thinned alike.
      const file = path(`turned-${every}/turned-scan_dseg.nii.gz`)
      const score = await succeed([
        'evaluate',
        file,
        study.labels[0],
        '--every',
        String(every),
        '--metrics',
        'dice',
      ])
      expect(score.stdout.trimEnd().split(/\s+/).at(-1)).toBe(/ (\d\.\d+)/.exec(dice(right.stdout)!)![1])
    },
  )

  it('does not matter to evaluate and to a mean of label maps', async () => {
    const { labels, classes, path } = study
    const { stdout } = await succeed([
      'evaluate',
      labels[0],
      path('turned-labels.nii.gz'),
      '--classes',
      classes,
    ])
    expect(stdout).toMatch(/mean of 7 regions +1\.0000 +0\.00 +0\.000 +1\.0000\n$/)
    const args = ['--classes', classes, '--blur', '0', '-o', path('mean.nii.gz')]
    await succeed(['prior', labels[0], path('turned-labels.nii.gz'), ...args])
    const { data } = await readVolume(path('mean.nii.gz'))
    expect(data.every((p) => p === 0 || p === 1)).toBe(true)
  })
})

describe('sae train', () => {
  const train = (output: string, ...more: string[]): string[] => [
    ...['train', study.scans[1], '--prior', study.path('prior.nii.gz'), '--steps', '10'],
    ...['--decoder-steps', '2', '-o', study.path(output), ...more],
  ]

  it('scores a held-out scan alike, whichever way its axes run', async () => {
    const scores: number[] = []
    for (const scan of [study.scans[0], study.path('turned-scan.nii.gz')]) {
      const output = `held-out-${scores.length}`
      await succeed(train(output, '--validate', scan))
      const [header, ...rows] = readFileSync(study.path(`${output}/train.csv`), 'utf8')
        .trimEnd()
        .split('\n')
      scores.push(Number(rows.at(-1)!.split(',')[header!.split(',').indexOf('validation')]))
    }
    expect(scores[0]).toBeGreaterThan(0)
    expect(scores[1]).toBe(scores[0])
  })

  it('goes on with voxels paired as before', async () => {
    await succeed(train('by-index', '--match-by-index'))
    const resume = ['--resume', study.path('by-index/last.safetensors'), '--steps', '12']
    expect(await refused(train('by-index', ...resume))).toMatch(
      /last\.safetensors: its run is one with --match-by-index; give it, or start anew with --init$/,
    )
    await succeed(train('by-index', ...resume, '--match-by-index'))
  })
})

describe('files that lie elsewhere', () => {
  it('are refused, each named with its distance', async () => {
    const [near, far] = [await shiftedScan('near.nii.gz', 1), await shiftedScan('far.nii.gz', -12.5)]
    const args = ['em', near, far, study.scans[0], '--prior', study.path('prior.nii.gz')]
    const line = await refused([...args, '-o', study.path('out')])
    expect(line).toMatch(
      /^sae: the prior and the scan do not lie in one place: .*near\.nii\.gz up to 1\.00 mm, of .*far\.nii\.gz up to 12\.50 mm from those of .*prior\.nii\.gz; resample .*--match-by-index/,
    )
    expect(line).not.toContain(study.scans[0])
    const labels = await study.write(
      'elsewhere.nii.gz',
      (await readVolume(study.labels[0])).data,
      'uint8',
      shifted(3),
    )
    expect(await refused(em(study.scans[0], 'out', '--labels', labels))).toMatch(
      /elsewhere\.nii\.gz up to 3\.00 mm/,
    )
    const { classes } = study
    expect(await refused(['evaluate', labels, study.labels[0], '--classes', classes])).toMatch(
      /up to 3\.00 mm/,
    )
    expect(
      await refused(['prior', study.labels[0], labels, '--classes', classes, '-o', study.path('p.nii.gz')]),
    ).toMatch(/the label maps do not lie in one place/)
  })

  it('are paired by index if one asks for it', async () => {
    const scan = await shiftedScan('shifted.nii.gz', 5)
    const { errors } = await succeed(em(scan, 'by-index', '--match-by-index', '--labels-out', 'classes'))
    expect(errors.join('\n')).toMatch(
      /^warning: .*shifted\.nii\.gz up to 5\.00 mm .*; voxels are paired by index$/m,
    )
    await succeed(em(study.scans[0], 'straight', '--labels-out', 'classes'))
    const [a, b] = await Promise.all(
      ['by-index/shifted', 'straight/a'].map((name) => readVolume(study.path(`${name}_dseg.nii.gz`))),
    )
    expect(a!.data).toEqual(b!.data)
  })

  it('are taken for rounded headers within a tenth of a voxel', async () => {
    const scan = await shiftedScan('rounded.nii.gz', 0.05)
    const { errors } = await succeed(em(scan, 'rounded'))
    expect(errors.join('\n')).toMatch(/^warning: .*rounded\.nii\.gz up to 0\.05 mm .*taken for rounding$/m)
  })

  it('are refused by their shapes before voxels are unpacked', async () => {
    const small = study.path('cut.nii.gz')
    const data = Float32Array.from({ length: 4096 }, (_, i) => (i * 7919) % 4093)
    await writeVolume(small, { data, channels: 1, grid: unknownGrid([16, 16, 16]), source: small }, 'float32')
    writeFileSync(small, readFileSync(small).subarray(0, 2000))
    expect(await refused(em(small, 'out'))).toMatch(
      /the prior and the scan differ in shape: .*cut\.nii\.gz is 16x16x16/,
    )
    expect(await refused(em(study.path('a.mnc'), 'out'))).toMatch(/a\.mnc: not a volume by its name/)
  })
})

it(
  'a file that says nothing of its orientation is named once, with what was assumed',
  { timeout: 60_000 },
  async () => {
    const { path } = study
    const { errors } = await succeed(
      em(path('bare-scan.nii.gz'), 'bare', '--labels', path('bare-labels.nii.gz')),
    )
    const said = errors.filter((line) => line.includes('nothing of'))
    expect(said[0]).toMatch(
      /^warning: .*bare-scan\.nii\.gz, .*bare-labels\.nii\.gz: say nothing of their orientation; voxels are paired by index/,
    )
    expect(said[1]).toMatch(/both sides of a class are written with its first code$/)
    expect(said).toHaveLength(2)
  },
)
