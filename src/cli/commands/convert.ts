import { InvalidArgumentError, Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { readLabelVolume, readVolumeHeader } from '../../io/files.js'
import { requireWritableName } from '../../io/formats.js'
import { describeAxes, isAxisCode, orientationTowards, reorient, reorientGrid } from '../../io/orientation.js'
import { pairOf } from '../../io/pairs.js'
import { formatShape, type LabelVolume, type VolumeHeader } from '../../io/volume.js'
import { convertedType } from '../outputs/converted-type.js'
import { overwriteOption, terminalOf, volumeOption } from '../options.js'
import { Outputs, writeOutputVolume } from '../outputs/output-files.js'
import { requireNoFolder } from '../outputs/output-folder.js'
import type { Terminal } from '../terminal.js'

interface ConvertOptions {
  volume?: number
  orientation?: string
  overwrite?: boolean
}

export function addConvert(program: Command): void {
  program
    .command('convert')
    .summary('write a scan, label map or prior in another format')
    .description(
      'Writes a volume in the format that the extension of the output names. Voxels keep their values, their type where the format has it, and their places.',
    )
    .argument('<input>', '.nii, .nii.gz, .mgz, .mgh, .npz, .npy, or either file of a .hdr/.img pair')
    .argument('<output>', '.nii, .nii.gz, .mgz, .mgh, .npz or .npy')
    .addOption(volumeOption())
    .addOption(
      new Option(
        '--orientation <code>',
        'lay the voxels out so that their axes run towards these sides of the head, such as RAS or LIA (default: as they are); exact: voxels are reordered, not resampled',
      ).argParser(axisCode),
    )
    .addOption(overwriteOption())
    .addHelpText(
      'after',
      `
Tables beside the input (.tsv, .json) are not copied. .npz and .npy do not keep where the voxels lie. Analyze 7.5 does
not say which side is left: its axes are taken as they are, and its orient field is ignored.

Example:
  sae convert aseg.mgz labels.nii.gz --orientation RAS`,
    )
    .action(async (input: string, output: string, options: ConvertOptions, command: Command) => {
      await convert(input, output, options, terminalOf(command))
    })
}

async function convert(
  input: string,
  output: string,
  { volume: index, orientation, overwrite }: ConvertOptions,
  terminal: Terminal,
): Promise<void> {
  requireNoFolder(output, 'output')
  const format = requireWritableName(output)
  const { header, image } = pairOf(input) ?? { header: input, image: undefined }
  const outputs = Outputs.ofFile(output, { files: [output], inputs: [header, image], overwrite }, 'output')
  await outputs.requireFree()
  const said = await readVolumeHeader(input, { volume: index })
  if (orientation !== undefined && !said.grid.known) {
    throw new UserError(
      `${input}: says nothing of its orientation, so nothing is to be made ${orientation}; leave out --orientation`,
    )
  }
  const read = await readLabelVolume(input, { volume: index })
  for (const warning of read.warnings ?? []) terminal.warn(warning)
  warnOfGrid(read, output, format.startsWith('.np'), terminal)
  const volume = orientation === undefined ? read : turned(read, orientation)
  const { type, remark } = convertedType(read, format)
  if (remark !== undefined) terminal.note(remark)
  await outputs.claim()
  await writeOutputVolume(output, volume, type)
  terminal.status(`${input} -> ${output}: ${describe(volume)}, ${type}`)
}

function turned(volume: LabelVolume, code: string): LabelVolume {
  const { grid, data } = volume
  const orientation = orientationTowards(grid, code)
  return {
    ...volume,
    data: reorient(data, grid.shape, orientation),
    grid: reorientGrid(grid, orientation),
  }
}

function warnOfGrid(
  { grid, source }: VolumeHeader,
  output: string,
  isNumPy: boolean,
  terminal: Terminal,
): void {
  if (!grid.known)
    terminal.warn(
      `${source}: says nothing of its orientation, and so neither does ${output}; check left and right`,
    )
  else if (isNumPy)
    terminal.warn(`${output}: does not keep where the voxels lie; NumPy's formats have no place for it`)
}

/** `160x192x224 voxels RAS`, after the number of volumes if there are several. */
function describe({ grid, channels }: VolumeHeader): string {
  const axes = grid.known ? ` ${describeAxes(grid)}` : ''
  return `${channels === 1 ? '' : `${channels} volumes of `}${formatShape(grid.shape)} voxels${axes}`
}

/** Argument parser: the sides that three axes run to. */
function axisCode(text: string): string {
  const code = text.toUpperCase()
  if (isAxisCode(code)) return code
  throw new InvalidArgumentError('It must name a side for each axis, such as RAS or LIA.')
}
