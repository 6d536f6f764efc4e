import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { readVolumeHeader } from '../../io/files.js'
import { requireWritableName } from '../../io/formats.js'
import type { Grid, VolumeHeader } from '../../io/volume.js'
import { dilatePrior } from '../../sae/prior/dilate-prior.js'
import { foregroundClasses } from '../../sae/labels/label-table.js'
import { floorPrior } from '../../sae/prior/prior-from-labels.js'
import { absentClasses, formatShares } from '../tables/class-shares.js'
import { identityOf } from '../cohort/folder-volumes.js'
import { besideVolume } from '../outputs/file-names.js'
import {
  byIndexOption,
  classesOption,
  overwriteOption,
  realNumber,
  terminalOf,
  volumeOption,
  wholeNumber,
} from '../options.js'
import { Outputs } from '../outputs/output-files.js'
import { requireNoFolder } from '../outputs/output-folder.js'
import { tablePath, writePrior } from '../prior/prior-file.js'
import { codeRanges, fromMapsLike } from '../prior/prior-like.js'
import { requireShown, showPrior } from '../prior/prior-show.js'
import { fromAtlas, fromLabelMaps, inVoxels, tablesOfMaps, type MadePrior } from '../prior/prior-sources.js'
import { fromTissues, tableOfTissues } from '../prior/prior-tissues.js'
import { sampledGrid } from '../grids/subsample.js'
import type { Terminal } from '../terminal.js'

export interface PriorCommandOptions {
  output?: string
  blur?: number
  dilate: number
  floor: number
  every: number
  classes?: string
  like?: string
  transform: 'affine' | 'smooth'
  outside?: [number, number][]
  tissues?: boolean
  names?: string
  show?: string
  truth?: string
  overwrite?: boolean
  matchByIndex: boolean
  volume?: number
}

export function addPrior(program: Command): void {
  program
    .command('prior')
    .summary('make a prior from label maps or from an atlas')
    .description('Makes a prior: the probability of every class at every voxel, before any scan is seen.')
    .argument(
      '[files...]',
      'label maps, one atlas, or with --tissues the maps of all tissues: NIfTI, .mgz, .npz or another format that is read',
    )
    .addOption(new Option('-o, --output <file>', 'prior to write (.nii.gz, .nii, .mgz, .npz)'))
    .addOption(overwriteOption())
    .addOption(
      new Option(
        '--blur <mm>',
        'standard deviation of the Gaussian blur in millimetres, at most 100 voxels; 0 for no blur (default: 1.5 for label maps, 0 for an atlas). To train from one label map, 4 is best',
      ).argParser(realNumber('not negative')),
    )
    .addOption(
      new Option(
        '--like <file>',
        'bring label maps of any grid and position onto this scan or label map: onto a scan by mutual information, onto a label map by the centres of structures',
      ),
    )
    .addOption(
      new Option(
        '--transform <kind>',
        'with --like and a scan: affine, or smooth, which also bends each map after the scan',
      )
        .choices(['affine', 'smooth'])
        .default('affine'),
    )
    .addOption(
      new Option(
        '--outside <codes>',
        'with --like: codes that skull stripping removes, which become background, such as 24,500-530',
      ).argParser(codeRanges),
    )
    .option('--tissues', 'the files are probabilities of one tissue each, as of FAST, SPM or Atropos')
    .option('--names <list>', 'with --tissues: what the files are, in their order, such as csf,gm,wm')
    .addOption(
      new Option(
        '--dilate <mm>',
        'widen every class by this, once blurred, so that structures of other places and sizes are allowed',
      )
        .argParser(realNumber('not negative'))
        .default(0),
    )
    .option('--show <prior>', 'print what a prior says, instead of making one')
    .option('--truth <map>', 'with --show: how much of this label map the prior allows')
    .addOption(
      new Option(
        '--floor <p>',
        'set probabilities below this to 0, which rules the class out there (0 or more, below 1/classes)',
      )
        .argParser(realNumber('not negative'))
        .default(0),
    )
    .addOption(
      new Option('--every <n>', 'keep every n-th voxel along each axis, after blurring')
        .argParser(wholeNumber(1))
        .default(1),
    )
    .addOption(classesOption())
    .addOption(byIndexOption())
    .addOption(volumeOption())
    .addHelpText(
      'after',
      `
From one label map: each class as 0 or 1, blurred. From several label maps: the mean of their priors; they lie on one grid
unless --like brings them together. From an atlas (one image with a channel per class): its probabilities, normalised; its
.json or .tsv, or --classes, says what the channels are. From the maps of tissues: what they leave of 1 is background.
The .json next to the prior holds its table of classes; the other commands read it.

Example:
  sae prior other-subject-labels.npz --blur 4 -o prior.nii.gz
  sae prior maps/*.nii.gz --like scan.nii.gz --outside 500-530 -o prior.nii.gz
  sae prior --tissues csf.nii.gz gm.nii.gz wm.nii.gz --names csf,gm,wm -o prior.nii.gz
  sae prior --show prior.nii.gz --truth labels.nii.gz`,
    )
    .action(async (files: string[], options: PriorCommandOptions, command: Command) => {
      const terminal = terminalOf(command)
      const { show, output } = options
      if (show !== undefined) {
        if (files.length > 0 || output !== undefined)
          throw new UserError('--show looks at a prior and makes none; leave out the files and -o')
        requireShown(givenOptions(command))
        await showPrior({ ...options, show }, terminal)
        return
      }
      if (options.truth !== undefined) throw new UserError('--truth goes with --show')
      if (files.length === 0) throw new UserError('sae prior: give label maps or an atlas, or --show a prior')
      if (output === undefined) throw new UserError('sae prior: give -o, the prior to write')
      await makePrior(files, { ...options, output }, terminal)
    })
}

/** The names of the options that the command line has, not those of defaults. */
function givenOptions(command: Command): string[] {
  return Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === 'cli')
}

/** Makes a prior from label maps or an atlas. @throws UserError if an input is wrong or an output is in the way */
export async function makePrior(
  files: string[],
  options: PriorCommandOptions & { output: string },
  terminal: Terminal,
): Promise<void> {
  const { output, classes, overwrite, like, dilate, floor, every } = options
  requireNoFolder(output, '-o')
  requireWritableName(output)
  requireOtherMaps(files)
  const tables = files.flatMap((file) => [besideVolume(file, '.tsv'), besideVolume(file, '.json')])
  const outputs = Outputs.ofFile(output, {
    files: [output, tablePath(output)],
    inputs: [...files, ...tables, classes, like],
    overwrite,
  })
  await outputs.requireFree()
  // Headers first: to unpack a file takes seconds.
  const headers: VolumeHeader[] = []
  for (const file of files) headers.push(await readVolumeHeader(file, { volume: options.volume }))
  const atlas = headers.find(({ channels }) => channels > 1)
  requireConsistent(headers, atlas, options)
  const { blur = atlas || options.tissues ? 0 : 1.5 } = options
  await requireRanges(headers, atlas, blur, options)
  const { prior, table, voxels, whole } = await fromFiles(headers, atlas, blur, options, terminal)
  const grid = sampledGrid(whole, every)
  if (dilate > 0) {
    const [d, h, w] = inVoxels(dilate, grid)
    dilatePrior(prior, grid.shape, table.classes.length, [Math.round(d), Math.round(h), Math.round(w)])
  }
  if (floor > 0) floorPrior(prior, table.classes.length, floor)

  if (blur > 0 && !whole.known && !whole.header) {
    terminal.note(`${like ?? files[0]!}: does not state its voxel size; --blur assumes 1 mm`)
  }
  await outputs.claim()
  const volume = { data: prior, channels: table.classes.length, grid, source: output }
  const fitted = like === undefined ? {} : { like, transform: options.transform }
  await writePrior(output, volume, table, { sources: files, ...fitted, blur, dilate, floor, every })
  terminal.status(formatShares(table, voxels))
  const absent = absentClasses(table, voxels, foregroundClasses(table))
  if (absent.length > 0)
    terminal.warn(`no voxel of ${absent.join(', ')}: segmentations with this prior have none either`)
  terminal.status(`Prior of ${volume.channels} classes on ${grid.shape.join('x')} voxels: ${output}`)
}

/** Requires that no file is given twice: its labels would count twice in the mean, or stand for two tissues. @throws UserError */
function requireOtherMaps(files: readonly string[]): void {
  const identities = files.map(identityOf)
  const again = files.find((_, i) => identities.indexOf(identities[i]!) < i)
  if (again !== undefined) throw new UserError(`${again}: is given more than once; give each map once`)
}

/** @throws UserError for files or options that do not go together */
function requireConsistent(
  headers: readonly VolumeHeader[],
  atlas: VolumeHeader | undefined,
  { like, tissues, names, outside, transform, classes }: PriorCommandOptions,
): void {
  if (atlas && headers.length > 1) {
    throw new UserError(
      `${atlas.source}: has several channels, so it is an atlas; give one atlas, or only label maps, or choose a volume of each with --volume`,
    )
  }
  if (atlas && like !== undefined) {
    throw new UserError(
      `${atlas.source}: an atlas, which --like does not move; give its template to sae register TEMPLATE --to ${like} --apply ${atlas.source}`,
    )
  }
  if (tissues && (like !== undefined || classes !== undefined))
    throw new UserError('--tissues: goes with --names, not with --like or --classes')
  if (!tissues && names !== undefined) throw new UserError('--names goes with --tissues')
  if (like === undefined && (outside !== undefined || transform !== 'affine'))
    throw new UserError('--outside and --transform go with --like')
}

/** Requires --floor, --blur, --every and --dilate in range, before voxels are read and maps fitted. @throws UserError */
async function requireRanges(
  headers: readonly VolumeHeader[],
  atlas: VolumeHeader | undefined,
  blur: number,
  options: PriorCommandOptions,
): Promise<void> {
  const { like, tissues, classes, floor, dilate, every } = options
  const sources = headers.map(({ source }) => source)
  const K = tissues
    ? sources.length + 1
    : (atlas?.channels ?? (await tablesOfMaps(sources, classes))[0].table.classes.length)
  if (!(floor < 1 / K))
    throw new UserError(`--floor ${floor}: give less than 1/${K}, for the prior has ${K} classes`)
  const { grid, source } = like === undefined ? headers[0]! : await readVolumeHeader(like)
  const blurred = Math.max(...inVoxels(blur, grid))
  if (blurred > 100)
    throw new UserError(
      `--blur ${blur}: is in millimetres, ${formatVoxels(blurred)} voxels of ${source}; give at most 100 voxels`,
    )
  const kept = sampledGrid(grid, every)
  if (kept.shape.some((extent, axis) => extent === 1 && grid.shape[axis]! > 1))
    throw new UserError(
      `--every ${every}: keeps one voxel along an axis of ${source}, which has ${grid.shape.join('x')}; give less`,
    )
  const tooWide = inVoxels(dilate, kept).find((reach, axis) => Math.round(reach) > kept.shape[axis]!)
  if (tooWide !== undefined)
    throw new UserError(
      `--dilate ${dilate}: is in millimetres, ${formatVoxels(tooWide)} voxels of the prior, which has ${kept.shape.join('x')}; give less`,
    )
}

const formatVoxels = (count: number): string => count.toFixed(count < 1000 ? 1 : 0)

async function fromFiles(
  headers: readonly VolumeHeader[],
  atlas: VolumeHeader | undefined,
  blur: number,
  options: PriorCommandOptions,
  terminal: Terminal,
): Promise<MadePrior & { readonly whole: Grid }> {
  const { like, tissues, names, classes, every } = options
  const sources = headers.map(({ source }) => source)
  if (like !== undefined)
    return fromMapsLike(sources, { ...options, like }, (grid) => inVoxels(blur, grid), terminal)
  const whole = headers[0]!.grid
  const sigma = inVoxels(blur, whole)
  if (tissues) {
    const table = tableOfTissues(sources, names)
    return { ...(await fromTissues(headers, table, options, sigma, terminal)), whole }
  }
  if (atlas) return { ...(await fromAtlas(atlas, classes, sigma, every, terminal)), whole }
  if (blur === 0 && headers.length === 1) {
    terminal.warn(
      `${sources[0]!}: without a blur, one label map allows only one class at each voxel, so every segmentation will equal it; try --blur 4`,
    )
  }
  return { ...(await fromLabelMaps(headers, options, sigma, terminal)), whole }
}
