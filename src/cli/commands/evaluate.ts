import { Option, type Command } from 'commander'
import type { LabelVolume, VolumeHeader } from '../../io/volume.js'
import { overlapOf, type Overlap } from '../../sae/assessment/overlap.js'
import { foregroundClasses, type LabelTable } from '../../sae/label-table.js'
import { priorArgmax } from '../../sae/prior.js'
import { describeShares } from '../class-shares.js'
import { tableFor } from '../classes.js'
import { formatDiceTable } from '../dice-table.js'
import { besideVolume } from '../file-names.js'
import { GridCheck } from '../grid-check.js'
import { readHeaders, readPriorHeader } from '../input-headers.js'
import { readLabels } from '../inputs.js'
import {
  classesOfMap,
  tableOfMap,
  tableOfReference,
  valuesOf,
  warnOfBareClasses,
  type MapTable,
} from '../label-maps.js'
import {
  byIndexOption,
  classesOption,
  overwriteOption,
  terminalOf,
  volumeOption,
  wholeNumber,
} from '../options.js'
import { Outputs, writeOutput } from '../output-files.js'
import { placed, placedClasses, type Placement } from '../placement.js'
import { readPrior, tableBeside } from '../prior-file.js'
import type { Terminal } from '../terminal.js'

interface EvaluateOptions {
  prior?: string
  classes?: string
  matchByIndex: boolean
  volume?: number
  resample?: boolean
  every: number
  csv?: string
  json?: boolean
  overwrite?: boolean
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .summary('compare a segmentation with a reference')
    .description(
      'Prints the Dice overlap of each region, (2 |A and B| + 1) / (|A| + |B| + 1), and the mean over all classes except the background, the rest class and those that neither map has. Labels that belong to one class, such as left and right, are merged first.',
    )
    .argument('<segmentation>', 'label map to evaluate')
    .argument(
      '<truth>',
      'reference label map of the same voxels, or any with --resample; its axes may run other ways',
    )
    .addOption(classesOption())
    .addOption(byIndexOption())
    .addOption(volumeOption())
    .addOption(
      new Option(
        '--resample',
        'bring the segmentation, and the prior, onto the grid of the reference by the affines of their headers, whatever their voxels',
      ).conflicts(['matchByIndex', 'every']),
    )
    .option('--prior <file>', "also score the prior's own argmax: the number to beat")
    .addOption(
      new Option('--every <n>', 'use every n-th voxel of the reference along each axis')
        .argParser(wholeNumber(1))
        .default(1),
    )
    .option('--csv <file>', 'also write the table to this file')
    .addOption(overwriteOption())
    .option('--json', 'print JSON instead of a table')
    .addHelpText(
      'after',
      `
The classes come from --classes. Without it, they come from the .tsv that sae segment writes next to its segmentations
or, if there is none, from FreeSurfer. A .tsv next to the reference says whether that holds codes or classes.

Example:
  sae evaluate out/scan_dseg.nii.gz truth.nii.gz`,
    )
    .action(async (segmentation: string, truth: string, options: EvaluateOptions, command: Command) => {
      await evaluate(segmentation, truth, options, terminalOf(command))
    })
}

interface Score {
  readonly name: string
  readonly abbreviation: string
  /** Undefined for a region that neither map has. */
  readonly dice: number | undefined
  /** Of the prior's argmax, if requested. */
  readonly prior?: number | undefined
}

async function evaluate(
  segmentationPath: string,
  truthPath: string,
  options: EvaluateOptions,
  terminal: Terminal,
): Promise<void> {
  const csv = csvOutput(segmentationPath, truthPath, options)
  await csv?.requireFree()
  const { grids, table, predicted, expected } = await compareMaps(
    segmentationPath,
    truthPath,
    options,
    terminal,
  )
  const scored = foregroundClasses(table)

  const own = overlapOf(predicted, expected, table)
  const prior =
    options.prior === undefined ? undefined : await priorClasses(options.prior, grids, table, terminal)
  const ofPrior = prior && overlapOf(prior, expected, table)
  const absent = scored.filter((c) => own.perClass[c] === undefined).map((c) => table.classes[c]!.name)
  if (absent.length > 0) terminal.warn(`in neither map, and so not in the mean: ${absent.join(', ')}`)
  const scores = scored.map((c): Score => {
    const { name, abbreviation } = table.classes[c]!
    return {
      ...{ name, abbreviation, dice: own.perClass[c] },
      ...(ofPrior ? { prior: ofPrior.perClass[c] } : {}),
    }
  })
  terminal.print(
    options.json
      ? formatJson(scores, own.mean, ofPrior)
      : formatDiceTable(table, { Dice: own, ...(ofPrior ? { prior: ofPrior } : {}) }),
  )
  if (options.csv === undefined) return
  await csv?.claim()
  await writeOutput(options.csv, formatCsv(scores, own.mean, ofPrior))
}

/** Two label maps on one grid, in the classes of one table. */
interface ComparedMaps {
  readonly grids: Grids
  readonly table: LabelTable
  /** A class per voxel, of the segmentation and of the reference. */
  readonly predicted: Uint8Array
  readonly expected: Uint8Array
}

/** Reads a segmentation and a reference. @throws UserError if they cannot be read or do not fit */
export async function compareMaps(
  segmentationPath: string,
  truthPath: string,
  options: Omit<EvaluateOptions, 'csv' | 'json' | 'overwrite'>,
  terminal: Terminal,
): Promise<ComparedMaps> {
  const grids = await matchFiles(segmentationPath, truthPath, options, terminal)
  const described = await tableOfMap(segmentationPath, options.classes)
  const { table, source } = described
  const ofTruth = await tableOfReference(truthPath, { table, source })
  const segmentation = await readLabels(segmentationPath, terminal, options.volume)
  const truth = await readLabels(truthPath, terminal, options.volume)
  const predicted = scoredMap(segmentation, grids.segmentation, described, terminal)
  const expected = scoredMap(truth, grids.truth, ofTruth, terminal)
  return { grids, table, predicted, expected }
}

function csvOutput(
  segmentation: string,
  truth: string,
  { csv, prior, classes, overwrite }: EvaluateOptions,
): Outputs | undefined {
  if (csv === undefined) return undefined
  const tables = [segmentation, truth].map((map) => besideVolume(map, '.tsv'))
  const ofPrior = prior === undefined ? [] : [prior, tableBeside(prior)]
  const inputs = [segmentation, truth, ...tables, classes, ...ofPrior]
  return Outputs.ofFile(csv, { files: [csv], inputs, overwrite }, '--csv')
}

/** How the files come onto the grid of the segmentation, or of the reference if they are resampled. */
interface Grids {
  readonly segmentation: Placement
  readonly truth: Placement
  readonly prior: Placement | undefined
}

const asItIs: Placement = { orientation: undefined, every: 1, start: [0, 0, 0] }

async function matchFiles(
  segmentationPath: string,
  truthPath: string,
  { prior: priorPath, every, matchByIndex, resample = false, volume }: EvaluateOptions,
  terminal: Terminal,
): Promise<Grids> {
  const check = new GridCheck({ matchByIndex, resample })
  const headers = await readHeaders([segmentationPath, truthPath], 'a label map', volume)
  const [segmentation, reference] = headers as [VolumeHeader, VolumeHeader]
  const [onto, name] = resample ? [reference, 'reference'] : [segmentation, 'segmentation']
  const match = (file: VolumeHeader, what: string, every: number): Placement =>
    file === onto ? asItIs : check.match(file, onto, what, every)
  const both = 'the segmentation and the reference'
  const grids = { segmentation: match(segmentation, both, 1), truth: match(reference, both, every) }
  let prior: Placement | undefined
  if (priorPath !== undefined) {
    const header = await readPriorHeader(priorPath)
    // It may have been thinned when it was made; the order of its axes does not matter here.
    const isThinned = voxelsOf(header) === voxelsOf(onto)
    prior = match(header, `the prior and the ${name}`, isThinned ? 1 : every)
  }
  check.conclude(terminal)
  return { ...grids, prior }
}

const voxelsOf = ({ grid }: VolumeHeader): number => grid.shape.reduce((count, extent) => count * extent, 1)

/** The classes of a label map on the grid of the others, after a line that says which it has. */
function scoredMap(
  map: LabelVolume,
  placement: Placement,
  described: MapTable,
  terminal: Terminal,
): Uint8Array {
  if (described.assumed && valuesOf(map, described) === 'codes') warnOfBareClasses(map, terminal)
  const { classes, voxels } = classesOfMap(map, described, terminal)
  terminal.note(`${map.source}: ${describeShares(described.table, voxels)}`)
  return placement === asItIs ? classes : placedClasses(map, classes, placement)
}

/** The most probable class of a prior. @throws UserError if it has other classes */
async function priorClasses(
  path: string,
  grids: Grids,
  table: LabelTable,
  terminal: Terminal,
): Promise<Uint8Array> {
  const { volume, table: carried } = await readPrior(path, terminal)
  await tableFor(volume.channels, path, undefined, [{ table, source: 'the label table' }, carried], terminal)
  const { data, channels } = placed(volume, grids.prior!)
  return priorArgmax(data, channels)
}

/** Regions that neither map has are null, and marked. */
function formatJson(scores: readonly Score[], mean: number | undefined, prior: Overlap | undefined): string {
  const regions = scores.map(({ dice, ...score }) => {
    const marked = { ...score, dice: dice ?? null, absent: dice === undefined }
    return prior ? { ...marked, prior: score.prior ?? null } : marked
  })
  const counted = scores.filter(({ dice }) => dice !== undefined).length
  const means = { mean: mean ?? null, ...(prior ? { prior: prior.mean ?? null } : {}), counted }
  return JSON.stringify({ ...means, regions }, undefined, 2)
}

/** Regions that neither map has: `absent` instead of a number. */
function formatCsv(scores: readonly Score[], mean: number | undefined, prior: Overlap | undefined): string {
  const all = [...scores, { name: 'mean', abbreviation: 'mean', dice: mean, prior: prior?.mean }]
  const rows = all.map((score) => [
    quote(score.name),
    quote(score.abbreviation),
    score.dice ?? 'absent',
    ...(prior ? [score.prior ?? 'absent'] : []),
  ])
  return [['name', 'abbreviation', 'dice', ...(prior ? ['prior'] : [])], ...rows]
    .map((row) => `${row.join(',')}\n`)
    .join('')
}

function quote(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
