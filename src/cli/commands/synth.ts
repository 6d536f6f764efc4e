import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { readVolume } from '../../io/files.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import { phantomTable } from '../../sae/phantom/phantom.js'
import { Random } from '../../sae/phantom/random.js'
import type { SpatialShape } from '../../sae/shape.js'
import { counted } from '../counted.js'
import { Synthesiser, type SynthesisOptions } from '../../sae/synth/synthesiser.js'
import { readClasses } from '../inputs/classes.js'
import { readLabels } from '../inputs/inputs.js'
import { valuesOf, warnOfBareClasses } from '../inputs/label-maps.js'
import { folderOption, overwriteOption, terminalOf, volumeOption, wholeNumber } from '../options.js'
import { Outputs } from '../outputs/output-files.js'
import { anatomyOfClasses, anatomyOfCodes, phantomAnatomies, type Anatomy } from '../synth/synth-anatomy.js'
import { gridAround, gridLike, placementOf, voxelSizes, type OutputGrid } from '../synth/synth-grid.js'
import { alikeInAll, areClasses, contrastsOf, readLooks, type Look } from '../synth/synth-look.js'
import {
  deformationOptions,
  gridOptions,
  scannerOptions,
  upTo,
  type SynthOptions,
} from '../synth/synth-options.js'
import { SynthOutput } from '../synth/synth-output.js'
import type { Terminal } from '../terminal.js'

export function addSynth(program: Command): void {
  const command = program
    .command('synth')
    .summary('make scans with known labels from label maps')
    .description(
      'Makes skull-stripped scans with known labels: deforms label maps, paints each region and applies a simulated scanner. Label maps are used in turn. If an option gets two numbers, such as 0.01,0.03, each scan draws its own value between them.',
    )
    .argument('[maps...]', 'label maps, whole head or brain alone (NIfTI, .mgz, .npz and others)')
    .option('--phantom', 'use brain-like phantoms instead of label maps, a new one for each scan')
    .addOption(
      new Option('-n, --count <n>', 'number of scans to make').argParser(wholeNumber(1, 100_000)).default(10),
    )
    .addOption(folderOption())
    .option(
      '--contrast <kind>',
      't1, t2, random (a mean of its own for each region), or FILE.json with the intensities of each label; several separated by commas, such as t1,t2, make scans of one anatomy, on one grid',
      't1',
    )
    .addOption(
      new Option(
        '--jitter <share>',
        'largest change of the mean of each region, as a share of the range of all means, 0 to 1 (default: 0.03 for t1 and t2, else 0)',
      ).argParser(upTo(1)),
    )
  for (const option of [...deformationOptions(), ...scannerOptions(), ...gridOptions()])
    command.addOption(option)
  command
    .option(
      '--classes <table>',
      'what the labels mean: "freesurfer" (14 classes), your own table (FILE.json, FILE.tsv), or a number K if the labels are classes 0..K-1 (default: freesurfer)',
    )
    .addOption(new Option('--seed <n>', 'same seed, same scans').argParser(wholeNumber(0)).default(1))
    .addOption(volumeOption())
    .addOption(overwriteOption())
    .addHelpText(
      'after',
      `
Writes to the output folder, all on one grid:
  sub-001_T1w.nii.gz   a scan, intensities in 0..1, 0 outside the head (or _T2w, _random, _NAME of FILE.json; one for
                       each contrast)
  sub-001_T1w.json     how it was made
  sub-001_dseg.nii.gz  its labels, one code for each class, with a .tsv that explains them
  participants.tsv     one row per scan

Labels are FreeSurfer's. Fluid around the brain, skull and skin (24, 165, 258, 259, 500 to 599) count as background.

Example:
  sae synth maps/*.nii.gz -n 20 --every 2 -o cohort/`,
    )
    .action(async (maps: string[], options: SynthOptions, self: Command) => {
      await synth(maps, options, terminalOf(self))
    })
}

async function synth(maps: string[], options: SynthOptions, terminal: Terminal): Promise<void> {
  const { count, seed } = options
  requireSource(maps, options)
  const table = options.phantom ? phantomTable : await readClasses(options.classes ?? 'freesurfer')
  const contrasts = contrastsOf(options)
  const output = new SynthOutput(options.output, count, contrasts, table)
  const files = [options.like, options.classes, ...contrasts].filter((file) => file !== undefined)
  const outputs = Outputs.inFolder(options.output, {
    files: output.paths(),
    inputs: [...maps, ...files],
    overwrite: options.overwrite,
  })
  await outputs.requireFree()
  const looks = await readLooks(options)
  const anatomies = await readAnatomies(maps, options, table, alikeInAll(looks), terminal)
  const grid = await outputGrid(options, anatomies, terminal)
  const synthesisers = anatomies.map((anatomy) => synthesiserOf(anatomy, grid, options, looks))

  await outputs.claim()
  const random = new Random(seed)
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    const anatomy = anatomies[i % anatomies.length]!
    const scans = synthesisers[i % anatomies.length]!.drawContrasts(random.fork())
    const name = await output.write(i, scans, grid.grid, anatomy)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    terminal.status(`${name}: from ${anatomy.name} (${seconds} s)`)
  }
  await output.writeIndex()
  terminal.status(`${counted(count, 'scan')} of ${grid.grid.shape.join('x')} voxels: ${options.output}`)
}

function requireSource(maps: readonly string[], { phantom, like, classes }: SynthOptions): void {
  if (phantom && maps.length > 0) throw new UserError('give label maps or --phantom, not both')
  if (!phantom && maps.length === 0) throw new UserError('give label maps or --phantom')
  for (const [name, value] of Object.entries({ like, classes })) {
    if (phantom && value !== undefined) throw new UserError(`--${name} cannot be combined with --phantom`)
  }
}

async function readAnatomies(
  maps: readonly string[],
  { phantom, classes, shape, count, seed, volume }: SynthOptions,
  table: LabelTable,
  look: Look['of'],
  terminal: Terminal,
): Promise<Anatomy[]> {
  if (phantom) return phantomAnatomies(shape ?? phantomShape, count, seed)
  const anatomies: Anatomy[] = []
  for (const path of maps) {
    const map = await readLabels(path, terminal, volume)
    const described = { table, source: classes === undefined ? "FreeSurfer's table" : `--classes ${classes}` }
    const holdsClasses = valuesOf(map, described) === 'classes'
    anatomies.push(
      areClasses(classes) || holdsClasses
        ? anatomyOfClasses(map, table, path)
        : anatomyOfCodes(map, table, path, look),
    )
    if (classes === undefined && !holdsClasses) warnOfBareClasses(map, terminal)
  }
  return anatomies
}

const phantomShape: SpatialShape = [64, 80, 64]

/** Room around the largest brain, in millimetres: for the rim, and for brains that are enlarged and rotated. */
const margin = 12

async function outputGrid(
  { like, shape, every, phantom }: SynthOptions,
  anatomies: readonly Anatomy[],
  terminal: Terminal,
): Promise<OutputGrid> {
  if (like === undefined)
    return gridAround(anatomies, shape ?? (phantom ? phantomShape : undefined), margin, every)
  const file = await readVolume(like)
  if (!file.grid.known && anatomies.some(({ grid }) => grid.known)) {
    terminal.note(`${like}: does not state its orientation; that of the label maps is assumed`)
  }
  return gridLike(file, every)
}

function synthesiserOf(
  anatomy: Anatomy,
  output: OutputGrid,
  options: SynthOptions,
  looks: readonly Look[],
): Synthesiser {
  const { classes, shape, truth, painted } = anatomy
  const { blur, resolution, bias, noise, rim, rician = false } = options
  const [first, ...otherContrasts] = looks.map(({ intensities }) => intensities(painted))
  const scanner: SynthesisOptions = {
    sources: [{ classes, shape, truth, placement: placementOf(output, anatomy) }],
    intensities: first!,
    otherContrasts,
    shape: output.grid.shape,
    spacing: voxelSizes(output.grid),
    displacement: options.deform,
    rotation: options.rotate,
    scale: options.scale / 100,
    rician,
    ...(blur === undefined ? {} : { blur }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(bias === undefined ? {} : { bias }),
    ...(noise === undefined ? {} : { noise }),
    ...(rim === undefined ? {} : { rim }),
  }
  return new Synthesiser(scanner)
}
