import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { fitLinear } from '../../register/affine-fit.js'
import { likenessOfScan } from '../../register/likeness.js'
import { describeMap, doubtOf } from '../../register/describe.js'
import { Pullback, type Transform } from '../../register/pullback.js'
import { fitSmooth } from '../../register/smooth-fit.js'
import { warpImage } from '../../sae/synth/warp.js'
import { carryFile, planCarried, requireCarriable } from '../register/carry-files.js'
import { besideVolume } from '../outputs/file-names.js'
import { overwriteOption, terminalOf } from '../options.js'
import { Outputs, writeOutputVolume } from '../outputs/output-files.js'
import { requireNoFolder } from '../outputs/output-folder.js'
import { readScanToRegister, readUnscaled, type RegisteredScan } from '../register/registration.js'
import type { Terminal } from '../terminal.js'
import { writeItkAffine, writeRecord, writeWarp } from '../register/transform-files.js'

interface RegisterOptions {
  to: string
  output: string
  transform: 'rigid' | 'affine' | 'smooth'
  apply?: string[]
  overwrite?: boolean
}

export function addRegister(program: Command): void {
  program
    .command('register')
    .summary('bring a scan, and what belongs to it, onto another scan')
    .description(
      'Registers a scan to another, of any contrast and on any grid: finds where each of its voxels lies there. Neither needs a GPU.',
    )
    .argument('<moving>', 'scan to move (.nii.gz, .nii, .npz); both scans with or both without the skull')
    .addOption(new Option('--to <scan>', 'scan that stays where it is').makeOptionMandatory())
    .addOption(
      new Option(
        '-o, --output <file>',
        'the moved scan, on the grid of the one that stays (.nii.gz, .nii)',
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--transform <kind>',
        'rigid: turns and shifts, for scans of one person; affine: also scales and shears; smooth: affine, then bends without folding',
      )
        .choices(['rigid', 'affine', 'smooth'])
        .default('affine'),
    )
    .option(
      '--apply <files...>',
      'label maps, priors and images that lie as the moving scan does, to be moved along: OUT_NAME.nii.gz. Whole numbers, none below 0, are labels',
    )
    .addOption(overwriteOption())
    .addHelpText(
      'after',
      `
Besides OUT.nii.gz, writes
  OUT.json         the matrices, in world millimetres (RAS), and how well the scans fit
  OUT_affine.txt   the same from the fixed to the moving scan, for ANTs, ITK-SNAP and Slicer
  OUT_warp.nii.gz  with --transform smooth: the displacement, which comes before the affine part

Example:
  sae register template.nii.gz --to scan.nii.gz --apply template-labels.nii.gz -o moved.nii.gz`,
    )
    .action(async (moving: string, options: RegisterOptions, command: Command) => {
      await register(moving, options, terminalOf(command))
    })
}

async function register(path: string, options: RegisterOptions, terminal: Terminal): Promise<void> {
  const { to, output, transform: kind, apply = [], overwrite } = options
  requireNoFolder(output, '-o')
  if (!/\.nii(\.gz)?$/i.test(output))
    throw new UserError(`${output}: the moved scan is written as NIfTI alone; name it .nii.gz or .nii`)
  const carried = await planCarried(apply, output)
  const [record, matrix, warp] = ['.json', '_affine.txt', '_warp.nii.gz'].map((ending) =>
    besideVolume(output, ending),
  ) as [string, string, string]
  const clash = kind === 'smooth' ? carried.find((file) => file.to === warp) : undefined
  if (clash)
    throw new UserError(
      `${clash.from}: would be written as ${warp}, and so would the displacement; rename it`,
    )
  const outputs = Outputs.ofFile(output, {
    files: [
      ...[output, record, matrix],
      ...(kind === 'smooth' ? [warp] : []),
      ...carried.flatMap((file) => [file.to, ...file.tables.map((table) => table.to)]),
    ],
    inputs: [path, to, ...carried.flatMap((file) => [file.from, ...file.tables.map((table) => table.from)])],
    overwrite,
  })
  await outputs.requireFree()
  const [moving, fixed] = [await readScanToRegister(path, terminal), await readScanToRegister(to, terminal)]
  for (const file of carried) await requireCarriable(file, moving)
  const { transform, information, leastJacobian } = fit(fixed, moving, kind)
  terminal.status(describeMap(transform.map))
  terminal.status(`Mutual information: ${information.toFixed(3)} nats`)
  if (leastJacobian !== undefined)
    terminal.status(`Least Jacobian determinant: ${leastJacobian.toFixed(3)} (above 0: nothing is folded)`)
  const doubt = doubtOf(transform.map, [to, path])
  if (doubt !== undefined) terminal.warn(doubt)

  await outputs.claim()
  const pullback = new Pullback(moving.image, fixed.image, transform)
  const data = warpImage(await readUnscaled(path), pullback, [moving.background])
  await writeOutputVolume(output, { data, channels: 1, grid: fixed.grid, source: output }, 'float32')
  await writeItkAffine(matrix, transform.map)
  if (transform.field) await writeWarp(warp, transform.field)
  await writeRecord(record, transform.map, {
    ...{ transform: kind, moving: path, fixed: to, mutualInformation: information },
    ...(leastJacobian === undefined ? {} : { leastJacobian }),
  })
  for (const file of carried) {
    await carryFile(file, moving, fixed.grid, transform)
    terminal.status(`${file.from} -> ${file.to}`)
  }
  terminal.status(`${path} -> ${output}`)
}

interface Fit {
  readonly transform: Transform
  readonly information: number
  readonly leastJacobian?: number
}

function fit(fixed: RegisteredScan, moving: RegisteredScan, kind: RegisterOptions['transform']): Fit {
  const { map, information } = fitLinear(
    { kind: 'scan', image: fixed.image },
    moving.image,
    kind === 'rigid' ? 'rigid' : 'affine',
    [fixed.source, moving.source],
  )
  if (kind !== 'smooth') return { transform: { map }, information }
  return { ...fitSmooth(fixed.image, map, likenessOfScan(moving.image)), information }
}
