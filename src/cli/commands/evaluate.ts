import { existsSync } from 'node:fs'
import { Option, type Command } from 'commander'
import { readText, readVolumeShape } from '../../io/files.js'
import { requireSameGrid, type Volume } from '../../io/volume.js'
import { diceScores, meanDice } from '../../sae/dice.js'
import {
  foregroundClasses,
  freeSurferTable,
  identityTable,
  toClasses,
  type LabelTable,
} from '../../sae/label-table.js'
import { priorArgmax } from '../../sae/prior.js'
import { readClasses, tableFor } from '../classes.js'
import { formatDiceTable } from '../dice-table.js'
import { parseDsegTable } from '../dseg-table.js'
import { besideVolume } from '../file-names.js'
import { requireClassChannels, requireOneChannel } from '../input-headers.js'
import { readLabels } from '../inputs.js'
import { classesOption, overwriteOption, terminalOf, wholeNumber } from '../options.js'
import { Outputs, writeOutput } from '../output-files.js'
import { readPrior, tableBeside } from '../prior-file.js'
import { subsample } from '../subsample.js'
import type { Terminal } from '../terminal.js'

interface EvaluateOptions {
  prior?: string
  classes?: string
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
      'Prints the Dice overlap of each region, (2 |A and B| + 1) / (|A| + |B| + 1), and the mean over all classes except the background and the rest class. Labels that belong to one class, such as left and right, are merged first.',
    )
    .argument('<segmentation>', 'label map to evaluate')
    .argument('<truth>', 'reference label map on the same grid')
    .addOption(classesOption())
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
or, if there is none, from FreeSurfer.

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
  readonly dice: number
  /** Of the prior's argmax, if requested. */
  readonly prior?: number
}

async function evaluate(
  segmentationPath: string,
  truthPath: string,
  options: EvaluateOptions,
  terminal: Terminal,
): Promise<void> {
  const csv = csvOutput(segmentationPath, truthPath, options)
  await csv?.requireFree()
  for (const path of [segmentationPath, truthPath]) {
    requireOneChannel((await readVolumeShape(path)).channels, path, 'a label map')
  }
  if (options.prior) requireClassChannels((await readVolumeShape(options.prior)).channels, options.prior)
  const { table, segmentationTable } = await tablesOf(segmentationPath, options.classes)
  const segmentation = await readLabels(segmentationPath, terminal)
  const truth = subsample(await readLabels(truthPath, terminal), options.every)
  terminal.warnOnce([requireSameGrid(segmentation, truth, 'the segmentation and the reference')])
  const predicted = toClasses(segmentation.data, segmentationTable, segmentationPath)
  const expected = toClasses(truth.data, table, truthPath)
  const scored = foregroundClasses(table)
  warnOfAbsent(predicted, expected, scored, table, terminal)

  const dice = diceScores(predicted, expected, table.classes.length)
  const prior =
    options.prior === undefined ? undefined : await priorDice(options.prior, truth, expected, table, terminal)
  const scores = scored.map((c): Score => {
    const { name, abbreviation } = table.classes[c]!
    return { name, abbreviation, dice: dice[c]!, ...(prior ? { prior: prior[c]! } : {}) }
  })
  const mean = meanDice(dice, scored)
  const priorMean = prior && meanDice(prior, scored)
  terminal.print(
    options.json
      ? JSON.stringify({ mean, prior: priorMean, regions: scores }, undefined, 2)
      : formatDiceTable(table, { Dice: dice, ...(prior ? { prior } : {}) }),
  )
  if (options.csv === undefined) return
  await csv?.claim()
  await writeOutput(options.csv, formatCsv(scores, mean, priorMean))
}

function csvOutput(
  segmentation: string,
  truth: string,
  { csv, prior, classes, overwrite }: EvaluateOptions,
): Outputs | undefined {
  if (csv === undefined) return undefined
  const table = besideVolume(segmentation, '.tsv')
  const ofPrior = prior === undefined ? [] : [prior, tableBeside(prior)]
  const inputs = [segmentation, truth, table, classes, ...ofPrior]
  return Outputs.ofFile(csv, { files: [csv], inputs, overwrite }, '--csv')
}

/** Dice of each class of a prior's argmax. @throws UserError if it has another grid or other classes */
async function priorDice(
  path: string,
  truth: Volume,
  expected: Uint8Array,
  table: LabelTable,
  terminal: Terminal,
): Promise<number[]> {
  const { volume, table: carried } = await readPrior(path, terminal)
  terminal.warnOnce([requireSameGrid(volume, truth, 'the prior and the reference')])
  await tableFor(volume.channels, path, undefined, [{ table, source: 'the label table' }, carried])
  return diceScores(priorArgmax(volume.data, volume.channels), expected, volume.channels)
}

/** The table of the reference, and that of the segmentation, whose voxels may hold classes. */
async function tablesOf(
  segmentation: string,
  asked: string | undefined,
): Promise<{ table: LabelTable; segmentationTable: LabelTable }> {
  if (asked !== undefined) {
    const table = await readClasses(asked)
    return { table, segmentationTable: table }
  }
  const path = besideVolume(segmentation, '.tsv')
  const beside = existsSync(path) ? parseDsegTable(await readText(path), path) : undefined
  const table = beside?.table ?? freeSurferTable
  return {
    table,
    segmentationTable: beside?.values === 'classes' ? identityTable(table.classes.length) : table,
  }
}

function warnOfAbsent(
  predicted: Uint8Array,
  expected: Uint8Array,
  scored: readonly number[],
  table: LabelTable,
  terminal: Terminal,
): void {
  const present = new Set([...new Set(predicted), ...new Set(expected)])
  const absent = scored.filter((c) => !present.has(c)).map((c) => table.classes[c]!.name)
  if (absent.length > 0) terminal.warn(`in neither map, so their Dice counts as 1: ${absent.join(', ')}`)
}

function formatCsv(scores: readonly Score[], mean: number, priorMean: number | undefined): string {
  const rows = [...scores, { name: 'mean', abbreviation: 'mean', dice: mean, prior: priorMean }].map(
    ({ name, abbreviation, dice, prior }) => [
      quote(name),
      quote(abbreviation),
      dice,
      ...(prior === undefined ? [] : [prior]),
    ],
  )
  return [['name', 'abbreviation', 'dice', ...(priorMean === undefined ? [] : ['prior'])], ...rows]
    .map((row) => `${row.join(',')}\n`)
    .join('')
}

function quote(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
