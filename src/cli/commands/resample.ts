import { InvalidArgumentError, Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { readLabelVolume, readText, readVolume, readVolumeHeader } from '../../io/files.js'
import {
  formatShape,
  requireFinite,
  requireReadable,
  type Grid,
  type LabelVolume,
  type Volume,
  type VolumeHeader,
} from '../../io/volume.js'
import { labelVoxelType } from '../../io/voxel-type.js'
import { isCode } from '../../sae/labels/label-table.js'
import { tablesBeside } from '../register/carry-files.js'
import { besideVolume, nameOfVolume } from '../outputs/file-names.js'
import { overwriteOption, terminalOf } from '../options.js'
import { Outputs, writeOutput, writeOutputVolume } from '../outputs/output-files.js'
import { movedGrid, readTransform } from '../grids/moved.js'
import { gridOfSpacing, overlap, regrid } from '../grids/regrid.js'
import type { Terminal } from '../terminal.js'

interface ResampleOptions {
  output: string
  like?: string
  spacing?: [number, number, number]
  labels?: boolean
  image?: boolean
  transform?: string
  inverse?: boolean
  overwrite?: boolean
}

export function addResample(program: Command): void {
  program
    .command('resample')
    .summary('bring a scan, a label map or a prior onto another grid')
    .description(
      'Brings a volume onto the grid of another file, or onto voxels of another size, by the affines of the headers. Files whose voxels differ only in the order of the axes and by whole voxels are copied exactly.',
    )
    .argument('<file>', 'scan, label map or prior (NIfTI)')
    .addOption(new Option('-o, --output <file>', 'file to write (.nii.gz, .nii)').makeOptionMandatory())
    .addOption(new Option('--like <file>', 'file whose grid and header the result has').conflicts('spacing'))
    .addOption(
      new Option(
        '--spacing <mm>',
        'size of the voxels in millimetres, one number or three (1,1,3), in the field of view of the file',
      ).argParser(voxelSizes),
    )
    .addOption(
      new Option('--labels', 'a label map: the voxels around vote, labels are never averaged').conflicts(
        'image',
      ),
    )
    .option(
      '--image',
      'an image: linear interpolation; smoothed first along axes whose voxels grow by more than half',
    )
    .addOption(
      new Option(
        '--transform <file>',
        'first move the volume by an affine map that sae register or sae prepare --to wrote (.json): from the place of the scan that was moved to that of its target',
      ),
    )
    .option('--inverse', 'with --transform: the other way round, from the target back')
    .addOption(overwriteOption())
    .addHelpText(
      'after',
      `
Without --labels and --image, files that sae wrote as segmentations and those named _dseg are label maps, and files
that hold fractions are images; one of whole numbers might be either.
Of a volume with a channel per class, such as a prior, probabilities are interpolated, and the background is certain
outside of its field of view; all else is 0 there. A .tsv or .json beside the file is copied beside the result,
but not the .json of a registration.

Example:
  sae resample truth.nii.gz --labels --like scan.nii.gz -o truth-on-scan.nii.gz
  sae resample out/a_dseg.nii.gz --transform a_from-T1w_to-target_mode-image_xfm.json --inverse --like raw/a.nii.gz -o a_dseg.nii.gz`,
    )
    .action(async (file: string, options: ResampleOptions, command: Command) => {
      await resample(file, options, terminalOf(command))
    })
}

/** Argument parser: one size for all axes, or three. */
function voxelSizes(text: string): [number, number, number] {
  const sizes = text.split(',').map((size) => (size.trim() === '' ? NaN : Number(size)))
  const [d, h = d, w = d] = sizes
  if ([1, 3].includes(sizes.length) && [d, h, w].every((size) => size! > 0 && size! < Infinity))
    return [d!, h!, w!]
  throw new InvalidArgumentError('It must be a size above 0, or three as 1,1,3.')
}

async function resample(path: string, options: ResampleOptions, terminal: Terminal): Promise<void> {
  const { output, like, transform, inverse = false, overwrite } = options
  if (inverse && transform === undefined)
    throw new UserError('--inverse turns a transform round; give one with --transform')
  const tables = await tablesBeside(path)
  const outputs = Outputs.ofFile(output, {
    files: [output, ...tables.map((ending) => besideVolume(output, ending))],
    inputs: [path, like, transform, ...tables.map((ending) => besideVolume(path, ending))],
    overwrite,
  })
  await outputs.requireFree()
  if (!/\.nii(\.gz)?$/i.test(output))
    throw new UserError(`${output}: a grid is kept by NIfTI files alone; name it .nii.gz or .nii`)
  const header = await readVolumeHeader(path)
  requirePlaced(header)
  const map = transform === undefined ? undefined : await readTransform(transform, inverse)
  const placed = map ? movedGrid(header.grid, map) : header.grid
  const onto = await wantedGrid(placed, options)
  requireReadable([header.channels, ...onto.shape], output)
  if (!overlap(placed, onto)) {
    const by = map ? `by the headers and ${transform!}` : 'by the headers'
    throw new UserError(`${path} and ${like ?? output} do not overlap: ${by}, they share no place`)
  }
  const volume = await readEither(header, options)
  for (const warning of volume.warnings ?? []) terminal.warn(warning)
  requireFinite(volume)
  if (volume.data instanceof Float64Array) requireCodes(volume.data, path)
  const result = regrid({ ...volume, grid: placed }, onto)
  await outputs.claim()
  for (const ending of tables)
    await writeOutput(besideVolume(output, ending), await readText(besideVolume(path, ending)))
  const { data } = result
  const isLabels = data instanceof Float64Array
  await writeOutputVolume(output, { ...result, source: output }, isLabels ? labelVoxelType(data) : 'float32')
  const what = isLabels ? 'Label map' : volume.channels > 1 ? `${volume.channels} channels` : 'Image'
  terminal.status(`${what} on ${formatShape(onto.shape)} voxels: ${output}`)
}

async function wantedGrid(placed: Grid, { like, spacing }: ResampleOptions): Promise<Grid> {
  if (spacing) return gridOfSpacing(placed, spacing)
  if (like === undefined)
    throw new UserError('nothing says onto which grid: give --like, a file that has it, or --spacing')
  const reference = await readVolumeHeader(like)
  requirePlaced(reference)
  return reference.grid
}

function requirePlaced({ grid, source }: VolumeHeader): void {
  if (grid.known) return
  throw new UserError(
    `${source}: does not say where its voxels lie, so nothing can be resampled; give a NIfTI file that does`,
  )
}

/** Reads a label map as such, anything else as images. @throws UserError if it may be either, or cannot be read */
async function readEither(
  { source, channels, description = '' }: VolumeHeader,
  { labels, image }: ResampleOptions,
): Promise<Volume | LabelVolume> {
  if (channels > 1) {
    if (labels) throw new UserError(`${source}: has ${channels} channels, but a label map has one`)
    return readVolume(source)
  }
  if (image) return readVolume(source)
  const map = await readLabelVolume(source)
  if (labels || description.startsWith('sae-webgpu:') || nameOfVolume(source).endsWith('_dseg')) return map
  if (map.data.every((value) => Number.isInteger(value))) {
    throw new UserError(
      `${source}: holds whole numbers, which may be labels or intensities; give --labels or --image`,
    )
  }
  return readVolume(source)
}

/** @throws UserError with the first voxel that holds no label */
function requireCodes(data: Float64Array, source: string): void {
  const at = data.findIndex((value) => !isCode(value))
  if (at === -1) return
  throw new UserError(
    `${source}: voxel ${at} has the value ${data[at]!}, but labels are non-negative integers below 2^53; give --image if it is an image`,
  )
}
