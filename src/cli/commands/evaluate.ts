import { dirname } from 'node:path'
import { Option, type Command } from 'commander'
import { readVolumeHeader, writeFileAtomic } from '../../io/files.js'
import type { LabelVolume } from '../../io/volume.js'
import { overlapOf, type Overlap } from '../../sae/assessment/overlap.js'
import { foregroundClasses, type LabelTable } from '../../sae/label-table.js'
import { priorArgmax } from '../../sae/prior.js'
import { describeShares } from '../class-shares.js'
import { tableFor } from '../classes.js'
import { formatDiceTable } from '../dice-table.js'
import { GridCheck } from '../grid-check.js'
import { readLabels, requireOneChannel } from '../inputs.js'
import { classesOfMap, tableOfMap, valuesOf, warnOfBareClasses, type MapTable } from '../label-maps.js'
import { byIndexOption, classesOption, terminalOf, wholeNumber } from '../options.js'
import { requireWritableFolder } from '../output-folder.js'
import { placed, type Placement } from '../placement.js'
import { readPrior, requirePriorChannels } from '../prior-file.js'
import type { Terminal } from '../terminal.js'

interface EvaluateOptions {
  prior?: string
  classes?: string
  matchByIndex: boolean
  every: number
  csv?: string
  json?: boolean
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .summary('compare a segmentation with a reference')
    .description(
      'Prints the Dice overlap of each region, (2 |A and B| + 1) / (|A| + |B| + 1), and their mean over all classes but the background, the rest and those that neither map has. Labels of both sides that make one class are merged first.',
    )
    .argument('<segmentation>', 'label map to judge')
    .argument('<truth>', 'reference label map of the same voxels; its axes may run other ways')
    .addOption(classesOption())
    .addOption(byIndexOption())
    .option('--prior <file>', "score the prior's own argmax too: the number to beat")
    .addOption(
      new Option('--every <n>', 'compare with every n-th voxel of the reference along each axis')
        .argParser(wholeNumber(1))
        .default(1),
    )
    .option('--csv <file>', 'write the table to a file too')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The classes are those of --classes, else of the .tsv that sae segment leaves beside its segmentations, else
FreeSurfer's.

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
  /** Of the prior's argmax, if it was asked for. */
  readonly prior?: number | undefined
}

async function evaluate(
  segmentationPath: string,
  truthPath: string,
  options: EvaluateOptions,
  terminal: Terminal,
): Promise<void> {
  if (options.csv !== undefined) requireWritableFolder(dirname(options.csv))
  const grids = await matchFiles(segmentationPath, truthPath, options, terminal)
  const described = await tableOfMap(segmentationPath, options.classes)
  const { table, source } = described
  const segmentation = await readLabels(segmentationPath, terminal)
  const truth = placed(await readLabels(truthPath, terminal), grids.truth)
  const predicted = scoredMap(segmentation, described, terminal)
  const expected = scoredMap(truth, { table, source }, terminal)
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
  if (options.csv !== undefined)
    await writeFileAtomic(options.csv, new TextEncoder().encode(formatCsv(scores, own.mean, ofPrior)))
}

/** How the reference and the prior come onto the grid of the segmentation. */
interface Grids {
  readonly truth: Placement
  readonly prior: Placement | undefined
}

async function matchFiles(
  segmentationPath: string,
  truthPath: string,
  { prior: priorPath, every, matchByIndex }: EvaluateOptions,
  terminal: Terminal,
): Promise<Grids> {
  const check = new GridCheck(matchByIndex)
  const segmentation = await readVolumeHeader(segmentationPath)
  requireOneChannel(segmentation, 'a label map')
  const header = await readVolumeHeader(truthPath)
  requireOneChannel(header, 'a label map')
  const truth = check.match(header, segmentation, 'the segmentation and the reference', every)
  let prior: Placement | undefined
  if (priorPath !== undefined) {
    const header = await readVolumeHeader(priorPath)
    requirePriorChannels(header)
    prior = check.match(header, segmentation, 'the prior and the segmentation')
  }
  check.conclude(terminal)
  return { truth, prior }
}

/** The classes of a label map, after a line that says which it has. */
function scoredMap(map: LabelVolume, described: MapTable, terminal: Terminal): Uint8Array {
  if (described.assumed && valuesOf(map, described) === 'codes') warnOfBareClasses(map, terminal)
  const { classes, voxels } = classesOfMap(map, described, terminal)
  terminal.note(`${map.source}: ${describeShares(described.table, voxels)}`)
  return classes
}

/** The most probable class of a prior. @throws UserError if it has other classes */
async function priorClasses(
  path: string,
  grids: Grids,
  table: LabelTable,
  terminal: Terminal,
): Promise<Uint8Array> {
  const { volume, table: carried } = await readPrior(path, terminal)
  await tableFor(volume.channels, path, undefined, [{ table, source: 'the label table' }, carried])
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
