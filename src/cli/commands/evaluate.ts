import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { evaluatePair, type Evaluation, type EvaluationSettings, type Pair } from '../evaluate/evaluation.js'
import {
  formatGroup,
  formatGroupTable,
  formatJson,
  formatScan,
  formatScores,
} from '../evaluate/evaluation-output.js'
import { addChoiceOptions, type MapChoice } from '../evaluate/chosen-maps.js'
import { findPairs } from '../evaluate/evaluation-pairs.js'
import { besideVolume } from '../outputs/file-names.js'
import {
  byIndexOption,
  classesOption,
  overwriteOption,
  terminalOf,
  volumeOption,
  wholeNumber,
} from '../options.js'
import { Outputs, writeOutput } from '../outputs/output-files.js'
import { tableBeside } from '../prior/prior-file.js'
import { metricsOption } from '../evaluate/region-metrics.js'
import type { Terminal } from '../terminal.js'

interface EvaluateOptions extends EvaluationSettings, MapChoice {
  labels?: string[]
  allowUnpaired?: boolean
  csv?: string
  groupCsv?: string
  json?: boolean
  overwrite?: boolean
}

export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .summary('compare segmentations with references')
    .description(
      'Prints how well each region agrees: the Dice overlap (2 |A and B| + 1) / (|A| + |B| + 1); the 95 % Hausdorff distance and the average symmetric surface distance, in millimetres; the volume similarity 1 - |a - b| / (a + b). Means are over all classes except the background, the rest class and those that neither map has. Labels that belong to one class, such as left and right, are merged first.',
    )
    .argument(
      '<segmentation>',
      'label map to evaluate; several with --labels; a folder, a BIDS derivative or a glob in quotes; or a list (.tsv, .csv) with columns scan, for the segmentation, and labels',
    )
    .argument(
      '[truth...]',
      'reference label map of the same voxels, or any with --resample; its axes may run other ways; or a folder or glob of them, whose files are paired with the segmentations by name',
    )
    .option(
      '--labels <files...>',
      'reference label maps, in the order of the segmentations; if one of all arguments is a folder or a glob, by name; also prints mean, standard deviation, median and worst of each region',
    )
    .option(
      '--allow-unpaired',
      'leave out label maps that have no partner by their names, instead of refusing to start; a warning lists them',
    )
  addChoiceOptions(command)
    .addOption(metricsOption())
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
    .option('--csv <file>', 'also write all scores and volumes to this file, a row per scan and region')
    .option(
      '--group-csv <file>',
      'also write the number of scans, mean, standard deviation, median, minimum and maximum of each score to this file, a row per region',
    )
    .addOption(overwriteOption())
    .option('--json', 'print JSON instead of a table')
    .addHelpText(
      'after',
      `
The classes come from --classes. Without it, they come from the .tsv that sae segment writes next to its segmentations
or, if there is none, from FreeSurfer. A .tsv next to the reference says whether that holds codes or classes.

Files of folders and globs are partners if their names are equal up to _dseg, _seg, _aseg, _labels, _truth, _reference
or _manual at the end, or if their sub- and ses- are equal and no other entity of the scan differs. Of a folder with files
called _dseg, only these are taken.

Example:
  sae evaluate out/scan_dseg.nii.gz truth.nii.gz
  sae evaluate out/ truths/ --csv scores.csv --group-csv group.csv
  sae evaluate derivatives/sae/ derivatives/manual/ --participant-label 01 02
  sae evaluate out/*_dseg.nii.gz --labels truths/*.nii.gz --csv scores.csv`,
    )
    .action(async (first: string, others: string[], options: EvaluateOptions, command: Command) => {
      const terminal = terminalOf(command)
      await evaluate(await findPairs([first, ...others], options, terminal), options, terminal)
    })
}

async function evaluate(pairs: readonly Pair[], options: EvaluateOptions, terminal: Terminal): Promise<void> {
  const tables = [
    { option: '--csv', file: options.csv, format: formatScores },
    { option: '--group-csv', file: options.groupCsv, format: formatGroupTable },
  ].flatMap(({ option, file, format }) =>
    file === undefined ? [] : [{ file, format, output: tableOutput(file, option, pairs, options) }],
  )
  requireOtherFiles(tables.map(({ file }) => file))
  for (const { output } of tables) await output.requireFree()
  const all: Evaluation[] = []
  for (const pair of pairs) {
    if (pairs.length > 1) {
      const progress = `${pair.scan}: ${pair.segmentation} against ${pair.truth}`
      // What reads the JSON takes all of stdout.
      if (options.json) terminal.note(progress)
      else terminal.status(progress)
    }
    all.push(await evaluatePair(pair, options, terminal))
  }
  const withPrior = options.prior !== undefined
  if (options.json) terminal.print(formatJson(all, withPrior))
  else if (all.length === 1) terminal.print(formatScan(all[0]!, options.metrics))
  else terminal.print(formatGroup(all, options.metrics))
  for (const { output } of tables) await output.claim()
  for (const { file, format } of tables) await writeOutput(file, format(all, withPrior))
}

/** @throws UserError if two tables would be one file */
function requireOtherFiles([first, second]: readonly string[]): void {
  if (first === undefined || second === undefined || resolve(first) !== resolve(second)) return
  throw new UserError(`${second}: --csv and --group-csv name the same file; give them two`)
}

function tableOutput(
  file: string,
  option: string,
  pairs: readonly Pair[],
  { prior, classes, overwrite }: EvaluateOptions,
): Outputs {
  const maps = pairs.flatMap(({ segmentation, truth }) => [segmentation, truth])
  const tables = maps.map((map) => besideVolume(map, '.tsv'))
  const ofPrior = prior === undefined ? [] : [prior, tableBeside(prior)]
  const inputs = [...maps, ...tables, classes, ...ofPrior]
  return Outputs.ofFile(file, { files: [file], inputs, overwrite }, option)
}
