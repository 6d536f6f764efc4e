import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { readBytes, writeFileAtomic } from '../io/files.js'
import { requireSameGrid } from '../io/volume.js'
import { diceScores, meanDice } from '../sae/dice.js'
import {
  foregroundClasses,
  freeSurferTable,
  identityTable,
  toClasses,
  type LabelTable,
} from '../sae/label-table.js'
import { readClasses } from './classes.js'
import { formatDiceTable } from './dice-table.js'
import { parseDsegTable } from './dseg-table.js'
import { besideVolume } from './file-names.js'
import { readLabels } from './inputs.js'
import { classesOption, terminalOf } from './options.js'
import { requireWritableFolder } from './output-folder.js'
import type { Terminal } from './terminal.js'

interface EvaluateOptions {
  classes?: string
  csv?: string
  json?: boolean
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .summary('compare a segmentation with a reference')
    .description(
      'Prints the Dice overlap of each region, (2 |A and B| + 1) / (|A| + |B| + 1), and their mean over all classes but the background and the rest. Labels of both sides that make one class are merged first.',
    )
    .argument('<segmentation>', 'label map to judge')
    .argument('<truth>', 'reference label map on the same grid')
    .addOption(classesOption())
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
  readonly dice: number
}

async function evaluate(
  segmentationPath: string,
  truthPath: string,
  options: EvaluateOptions,
  terminal: Terminal,
): Promise<void> {
  if (options.csv !== undefined) requireWritableFolder(dirname(options.csv))
  const { table, segmentationTable } = await tablesOf(segmentationPath, options.classes)
  const segmentation = await readLabels(segmentationPath, terminal)
  const truth = await readLabels(truthPath, terminal)
  terminal.warnOnce([requireSameGrid(segmentation, truth, 'the segmentation and the reference')])
  const predicted = toClasses(segmentation.data, segmentationTable, segmentationPath)
  const expected = toClasses(truth.data, table, truthPath)
  const scored = foregroundClasses(table)
  warnOfAbsent(predicted, expected, scored, table, terminal)

  const dice = diceScores(predicted, expected, table.classes.length)
  const mean = meanDice(dice, scored)
  const scores = scored.map((c): Score => {
    const { name, abbreviation } = table.classes[c]!
    return { name, abbreviation, dice: dice[c]! }
  })
  terminal.print(
    options.json
      ? JSON.stringify({ mean, regions: scores }, undefined, 2)
      : formatDiceTable(table, { Dice: dice }),
  )
  if (options.csv !== undefined)
    await writeFileAtomic(options.csv, new TextEncoder().encode(formatCsv(scores, mean)))
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
  const beside = existsSync(path)
    ? parseDsegTable(new TextDecoder().decode(await readBytes(path)), path)
    : undefined
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
  if (absent.length > 0) terminal.warn(`in neither map, which counts as a Dice of 1: ${absent.join(', ')}`)
}

function formatCsv(scores: readonly Score[], mean: number): string {
  const rows = scores.map(({ name, abbreviation, dice }) => [quote(name), quote(abbreviation), dice])
  return [['name', 'abbreviation', 'dice'], ...rows, ['mean', 'mean', mean]]
    .map((row) => `${row.join(',')}\n`)
    .join('')
}

function quote(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
