import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeValues } from '../../../src/cli/inputs/label-maps.js'
import { formatDsegTable } from '../../../src/cli/tables/dseg-table.js'
import { writeVolume } from '../../../src/io/files.js'
import { readSafetensors, writeSafetensors, type Tensor } from '../../../src/io/safetensors.js'
import { createModel, defaultArchitecture } from '../../../src/sae/model.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { grid, makeStudy, sae, shape, type Study } from '../support.js'

const voxels = shape[0] * shape[1] * shape[2]
const K = phantomTable.classes.length
let study: Study

beforeAll(async () => {
  study = await makeStudy()
  const { write } = study
  await write('prior.nii.gz', new Float32Array(K * voxels).fill(1 / K), 'float32', grid, K)
  writeWeights('weights.safetensors', K)
})
afterAll(() => {
  study.remove()
})

/** A file of untrained weights under the names of the reference release, with some of them changed. */
function writeWeights(
  name: string,
  classes: number,
  change: (tensors: Map<string, Tensor>) => void = () => undefined,
): string {
  const tensors = new Map<string, Tensor>()
  for (const { name, shape, initial } of createModel(defaultArchitecture(classes)).parameters) {
    tensors.set(name, { dtype: 'F32', shape, data: initial as Float32Array })
  }
  change(tensors)
  writeFileSync(study.path(name), writeSafetensors(tensors))
  return study.path(name)
}

/** A good scan with some voxels changed. */
async function changedScan(name: string, change: (data: Float32Array) => void): Promise<string> {
  const data = Float32Array.from({ length: voxels }, (_, i) => (i % 10) / 10)
  change(data)
  return study.write(name, data, 'float32')
}

/** Commands that would work, but for the arguments given. */
const segment = (scan: string, ...more: string[]) => [
  ...['segment', scan, '--weights', study.path('weights.safetensors'), '--prior', study.path('prior.nii.gz')],
  ...['-o', study.path('out'), ...more],
]
const train = (...more: string[]) => [
  ...[
    'train',
    study.scans[0],
    '--prior',
    study.path('prior.nii.gz'),
    '--init',
    study.path('weights.safetensors'),
  ],
  ...['-o', study.path('out'), ...more],
]

/** Runs `sae`: exit code 2, one line on stderr (warnings aside), nothing on stdout and nothing written. */
async function refusal(args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  const before = readdirSync(study.folder)
  const { code, stdout, errors } = await sae(args, environment)
  const [line, ...others] = errors.filter((text) => !text.startsWith('warning: '))
  expect(others).toEqual([])
  expect(line).toMatch(/^sae: /)
  expect(stdout).toBe('')
  expect(code).toBe(2)
  expect(readdirSync(study.folder)).toEqual(before)
  expect(existsSync(study.path('out'))).toBe(false)
  return line!
}

describe('an argument that nobody means', () => {
  it.each<[string, string[], RegExp]>([
    ['a short option with =', ['-o=out'], /-o=out: write -o out, without =/],
    ['an empty folder', ['-o', ''], /the argument after -o is empty; is a variable of the shell not set\?/],
    ['an empty scan', ['--', ''], /the argument after -- is empty/],
  ])('is %s', async (_, more, message) => {
    expect(await refusal(segment(study.scans[0], ...more))).toMatch(message)
  })

  it('may begin with = behind --', async () => {
    expect(await refusal(segment(study.scans[0], '--', '-o=out'))).toMatch(/-o=out: not a volume by its name/)
  })
})

describe('a scan that cannot be used', () => {
  it('is missing', async () => {
    expect(await refusal(segment(study.path('nowhere.nii.gz')))).toMatch(/nowhere\.nii\.gz: .*no such file/)
  })

  it('has nothing left on the grid of the run', async () => {
    expect(await refusal(train('--every', '99'))).toMatch(
      /all of the 1x1x1 voxels .* are equal; give a smaller --every/,
    )
  })

  it('is truncated', async () => {
    for (const name of ['short.nii', 'short.nii.gz']) {
      await changedScan(name, () => undefined)
      truncateSync(study.path(name), 1000)
      expect(await refusal(segment(study.path(name)))).toMatch(/short\.nii(\.gz)?: .*truncated/)
    }
  })

  it('is not an image', async () => {
    writeFileSync(study.path('text.nii.gz'), 'Dear reader,\n')
    expect(await refusal(segment(study.path('text.nii.gz')))).toMatch(
      /text\.nii\.gz: .*not what the name says/,
    )
    expect(await refusal(segment(study.classes))).toMatch(/classes\.json: not a volume by its name/)
  })

  it('holds NaN', async () => {
    const file = await changedScan('nan.nii', (data) => (data[77] = NaN))
    expect(await refusal(segment(file))).toMatch(/nan\.nii: 1 of \d+ voxels are NaN or infinite/)
  })

  it('is constant', async () => {
    const file = await changedScan('flat.nii', (data) => data.fill(0.5))
    expect(await refusal(segment(file))).toMatch(/flat\.nii: every voxel is 0\.5/)
  })

  it('is a mask', async () => {
    const file = await changedScan('mask.nii', (data) => {
      data.forEach((value, i) => (data[i] = value > 0.2 ? 1 : 0))
    })
    const message = /mask\.nii: every voxel is 0 or 1; this is a mask, not a scan: leave it out/
    expect(await refusal(segment(file))).toMatch(message)
    const prepare = ['prepare', file, '--skip', 'strip', '-o', study.path('out')]
    expect(await refusal(prepare)).toMatch(message)
  })

  it('has channels', async () => {
    expect(await refusal(segment(study.path('prior.nii.gz')))).toMatch(
      /prior\.nii\.gz: has 8 volumes, but a scan has one; choose one with --volume, 0 to 7/,
    )
  })

  it('is a segmentation that sae wrote', async () => {
    const file = study.path('made.nii.gz')
    const data = Float64Array.from({ length: voxels }, (_, i) => i % K)
    const description = describeValues(phantomTable, 'classes')
    await writeVolume(file, { data, channels: 1, grid, source: file, description }, 'uint8')
    const message = /made\.nii\.gz: is a label map that sae wrote, by its header, not a scan; give the scan/
    expect(await refusal(segment(file))).toMatch(message)
    const prior = ['--prior', study.path('prior.nii.gz'), '-o', study.path('out')]
    for (const command of ['em', 'pretrain'])
      expect(await refusal([command, file, ...prior])).toMatch(message)
  })

  it('is a segmentation in a format whose header does not say so', async () => {
    const data = Float32Array.from({ length: voxels }, (_, i) => i % K)
    const beside = await study.write('beside.mgz', data, 'uint8')
    writeFileSync(study.path('beside.tsv'), formatDsegTable(phantomTable, 'classes'))
    const named = await study.write('named_dseg.npz', data, 'uint8')
    expect(await refusal(segment(beside))).toMatch(
      /beside\.mgz: is a label map that sae wrote, by .*beside\.tsv, not a scan; give the scan instead/,
    )
    expect(await refusal(segment(named))).toMatch(
      /named_dseg\.npz: is a label map by its name, not a scan; give the scan instead/,
    )
  })

  it('would be written over another one of its name', async () => {
    const args = segment(study.path('a.nii.gz'), study.path('./a.nii'))
    expect(await refusal(args)).toMatch(/would both be written as a;/)
  })
})

describe('labels that do not fit', () => {
  it('have another size than the scan', async () => {
    const small = await study.write('small.nii', new Float32Array(8 ** 3), 'uint8', {
      ...grid,
      shape: [8, 8, 8],
    })
    expect(await refusal(train('--labels', small, '--classes', study.classes))).toMatch(
      /the labels and the scan differ in shape: .*small\.nii is 8x8x8, .*a\.nii\.gz is 15x16x13/,
    )
    expect(await refusal(['evaluate', small, study.labels[0], '--classes', study.classes])).toMatch(
      /differ in shape/,
    )
  })

  it('are not as many as the scans', async () => {
    expect(await refusal(train('--labels', ...study.labels))).toMatch(/2 label maps for 1 scans/)
  })

  it('are in another order than the scans of a folder', async () => {
    const folder = study.path('cohort')
    mkdirSync(folder)
    for (const name of ['s2', 's10']) copyFileSync(study.scans[0], study.path(`cohort/${name}.nii.gz`))
    const [first, second] = [study.path('s10_labels.nii.gz'), study.path('s2_labels.nii.gz')]
    for (const file of [first, second]) copyFileSync(study.labels[0], file)
    const args = ['em', folder, '--prior', study.path('prior.nii.gz'), '-o', study.path('out')]
    expect(await refusal([...args, '--labels', first, second])).toMatch(
      /--labels: by the names, .*s2_labels\.nii\.gz is that of .*s2\.nii\.gz, but .*s10_labels\.nii\.gz is in its place/,
    )
  })

  it('have values in no class', async () => {
    const args = ['prior', study.unpaired, '--classes', '4', '-o', study.path('out/prior.nii.gz')]
    expect(await refusal(args)).toMatch(
      /unpaired\.npz: labels? \d+ \(\d+ voxels?\).* in no class of the label table/,
    )
  })

  it('have an invalid table', async () => {
    writeFileSync(study.path('broken.json'), '{ "classes": [')
    const args = ['prior', study.unpaired, '-o', study.path('out/prior.nii.gz'), '--classes']
    expect(await refusal([...args, study.path('broken.json')])).toMatch(/broken\.json: not valid JSON/)
    expect(await refusal([...args, 'brain'])).toMatch(/--classes brain: give freesurfer, a number/)
  })
})

describe('a prior that cannot be used', () => {
  it('does not sum to 1', async () => {
    const prior = await study.write('sums.nii', new Float32Array(K * voxels).fill(0.1), 'float32', grid, K)
    expect(await refusal(train('--prior', prior))).toMatch(/sums\.nii: the classes sum to 0\.8 .* not to 1/)
  })

  it('has another size than the scans', async () => {
    const small = { ...grid, shape: [8, 8, 8] as [number, number, number] }
    const prior = await study.write(
      'small-prior.nii',
      new Float32Array(K * 512).fill(1 / K),
      'float32',
      small,
      K,
    )
    const message = /the prior and the scan differ in shape: .*small-prior\.nii is 8x8x8/
    expect(await refusal(train('--prior', prior))).toMatch(message)
    expect(await refusal(segment(study.scans[0], '--prior', prior))).toMatch(message)
  })

  it('is a label map', async () => {
    expect(await refusal(train('--prior', study.labels[0]))).toMatch(
      /has one channel, but a prior has one per class; make one with sae prior/,
    )
  })

  it('floors everything away', async () => {
    const args = [
      'prior',
      study.unpaired,
      '--classes',
      study.classes,
      '--floor',
      '0.2',
      '-o',
      study.path('out/p.nii'),
    ]
    expect(await refusal(args)).toMatch(/--floor 0\.2: give less than 1\/8, for the prior/)
  })
})

describe('weights that cannot be used', () => {
  it('are of another architecture', async () => {
    const other = /does not hold the weights of this architecture/
    const more = writeWeights('more.safetensors', 14)
    expect(await refusal(segment(study.scans[0], '--weights', more))).toMatch(
      /its encoder has 14 classes, but .* has 8 channels/,
    )
    const wider = writeWeights('wider.safetensors', K, (tensors) =>
      tensors.set('encoder.block3.weight', {
        dtype: 'F32',
        shape: [32, 16, 5, 5, 5],
        data: new Float32Array(32 * 16 * 125),
      }),
    )
    expect(await refusal(segment(study.scans[0], '--weights', wider))).toMatch(other)
    expect(await refusal(train('--init', wider))).toMatch(other)
    const less = writeWeights('less.safetensors', K, (tensors) => tensors.delete('encoder.block5.bias'))
    expect(await refusal(segment(study.scans[0], '--weights', less))).toMatch(other)
    const none = writeWeights('none.safetensors', K, (tensors) => tensors.delete('encoder.block0.weight'))
    expect(await refusal(segment(study.scans[0], '--weights', none))).toMatch(/holds no encoder/)
  })

  it('are damaged', async () => {
    const file = writeWeights('cut.safetensors', K)
    truncateSync(file, 5000)
    expect(await refusal(segment(study.scans[0], '--weights', file))).toMatch(/cut\.safetensors: .*truncated/)
    const nan = writeWeights(
      'nan.safetensors',
      K,
      (tensors) => (tensors.get('encoder.conv.bias')!.data[0] = NaN),
    )
    expect(await refusal(segment(study.scans[0], '--weights', nan))).toMatch(/not finite/)
  })

  it('hold no training to resume, or a different one', async () => {
    const { path, scans } = study
    const resume = ['train', scans[0], '--prior', path('prior.nii.gz'), '-o', path('out'), '--resume']
    expect(await refusal([...resume, path('weights.safetensors')])).toMatch(/has no training state/)
    expect(await refusal(train('--resume', path('weights.safetensors')))).toMatch(/drop --init/)

    const { tensors } = readSafetensors(readFileSync(path('weights.safetensors')))
    const training = {
      settings: { epochs: 5, batchSize: 1, learningRate: 0.001, weightDecay: 0, seed: 0, beta: 0.01 },
      progress: { epoch: 2, step: 2, variance: 1, errors: [] },
    }
    const metadata = {
      format: 'sae-webgpu 1',
      architecture: '{"instanceNorm":false}',
      training: JSON.stringify(training),
    }
    writeFileSync(path('last.safetensors'), writeSafetensors(tensors, metadata))
    expect(await refusal([...resume, path('last.safetensors'), '--beta', '0.1'])).toMatch(
      /--beta 0\.1 contradicts .*last\.safetensors, which has 0\.01/,
    )
    expect(await refusal([...resume, path('last.safetensors'), '--epochs', '2'])).toMatch(
      /all 2 epochs are done/,
    )
    expect(await refusal([...resume, path('last.safetensors')])).toMatch(
      /encoder\.block0\.weight\.first_moment is missing/,
    )
  })
})

describe('a command line that cannot be followed', () => {
  it.each([
    [['--k', '4'], /'--k <voxels>' argument '4' is invalid. It must be an odd number from 3 to 21/],
    [['--epochs', '1.5'], /'1\.5' is invalid. It must be a whole number, 1 or more/],
    [['--beta', 'nan'], /'nan' is invalid. It must be a number of at least 0/],
    [['--lr', '0'], /'0' is invalid. It must be a number above 0/],
    [['--sigma', 'guessed'], /'guessed' is invalid. Allowed choices are continuous, estimated, fixed/],
    [['--epoch', '3'], /unknown option '--epoch' \(Did you mean --epochs\?\)/],
  ])('train %j', async (more, message) => {
    expect(await refusal(train(...more))).toMatch(message)
  })

  it('asks for a missing item', async () => {
    expect(await refusal(['trian'])).toMatch(/unknown command 'trian' \(Did you mean train\?\)/)
    expect(await refusal(['segment', study.scans[0]])).toMatch(
      /required option '--weights <file>' not specified/,
    )
    expect(await refusal(['compare'])).toMatch(/missing required argument 'a'; see sae compare --help$/)
    expect(await refusal(['evaluate', study.labels[0]])).toMatch(/missing required argument 'truth'/)
  })

  it('names an output folder that cannot be one', async () => {
    const message = /cannot be used as a folder: .*classes\.json is a file/
    expect(await refusal(segment(study.scans[0], '-o', `${study.classes}/out`))).toMatch(message)
    expect(await refusal(train('-o', study.classes))).toMatch(message)
    const args = ['prior', study.unpaired, '--classes', study.classes, '-o', `${study.classes}/prior.nii.gz`]
    expect(await refusal(args)).toMatch(message)
  })

  it('names a missing adapter', async () => {
    const message = /no adapter is called "abacus"; this machine has "/
    expect(await refusal(segment(study.scans[0], '--adapter', 'abacus'))).toMatch(message)
    expect(await refusal(['info'], { SAE_ADAPTER: 'abacus' })).toMatch(message)
  })

  it('asks for f16 of an adapter that has none', async () => {
    for (const command of [segment(study.scans[0]), train()]) {
      const line = await refusal([...command, '--precision', 'f16', '--quiet'], {
        SAE_ADAPTER: 'swiftshader',
      })
      expect(line).toMatch(/SwiftShader.* cannot store f16 .*; use f32 or another adapter$/)
    }
  })
})
