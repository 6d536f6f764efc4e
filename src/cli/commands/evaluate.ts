import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { evaluatePair, type Evaluation, type EvaluationSettings, type Pair } from '../evaluate/evaluation.js'
import { formatGroup, formatJson, formatScan, formatScores } from '../evaluate/evaluation-output.js'
import { besideVolume, distinctNames } from '../outputs/file-names.js'
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

interface EvaluateOptions extends EvaluationSettings {
  labels?: string[]
  csv?: string
  json?: boolean
  overwrite?: boolean
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .summary('compare segmentations with references')
    .description(
      'Prints how well each region agrees: the Dice overlap (2 |A and B| + 1) / (|A| + |B| + 1); the 95 % Hausdorff distance and the average symmetric surface distance, in millimetres; the volume similarity 1 - |a - b| / (a + b). Means are over all classes except the background, the rest class and those that neither map has. Labels that belong to one class, such as left and right, are merged first.',
    )
    .argument('<segmentation>', 'label map to evaluate; several with --labels')
    .argument(
      '[truth...]',
      'reference label map of the same voxels, or any with --resample; its axes may run other ways',
    )
    .option(
      '--labels <files...>',
      'reference label maps, in the order of the segmentations; also prints mean, standard deviation and median of each region',
    )
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
    .addOption(overwriteOption())
    .option('--json', 'print JSON instead of a table')
    .addHelpText(
      'after',
      `
The classes come from --classes. Without it, they come from the .tsv that sae segment writes next to its segmentations
or, if there is none, from FreeSurfer. A .tsv next to the reference says whether that holds codes or classes.

Example:
  sae evaluate out/scan_dseg.nii.gz truth.nii.gz
  sae evaluate out/*_dseg.nii.gz --labels truths/*.nii.gz --csv scores.csv`,
    )
    .action(async (first: string, others: string[], options: EvaluateOptions, command: Command) => {
      await evaluate(pairsOf([first, ...others], options.labels), options, terminalOf(command))
    })
}

async function evaluate(pairs: readonly Pair[], options: EvaluateOptions, terminal: Terminal): Promise<void> {
  const csv = csvOutput(pairs, options)
  await csv?.requireFree()
  const all: Evaluation[] = []
  for (const pair of pairs) {
    if (pairs.length > 1) terminal.status(`${pair.scan}: ${pair.segmentation} against ${pair.truth}`)
    all.push(await evaluatePair(pair, options, terminal))
  }
  const withPrior = options.prior !== undefined
  if (options.json) terminal.print(formatJson(all, withPrior))
  else if (all.length === 1) terminal.print(formatScan(all[0]!, options.metrics))
  else terminal.print(formatGroup(all, options.metrics))
  if (options.csv === undefined) return
  await csv?.claim()
  await writeOutput(options.csv, formatScores(all, withPrior))
}

/** Each segmentation with its reference. @throws UserError if one is missing, or two scans have one name */
function pairsOf(maps: readonly string[], labels: readonly string[] | undefined): Pair[] {
  const [segmentations, truths] = labels ? [maps, labels] : [maps.slice(0, 1), maps.slice(1)]
  if (truths.length === 0) throw new UserError("missing required argument 'truth'; see sae evaluate --help")
  if (truths.length !== segmentations.length) {
    throw new UserError(
      labels
        ? `${truths.length} reference label maps for ${segmentations.length} segmentations; give --labels one per segmentation, in the same order`
        : `${maps.length} label maps without --labels; give one segmentation and its reference, or the references of several after --labels`,
    )
  }
  const names = distinctNames(segmentations)
  return names.map((name, i) => ({
    scan: name.replace(/_dseg$/, ''),
    segmentation: segmentations[i]!,
    truth: truths[i]!,
  }))
}

function csvOutput(
  pairs: readonly Pair[],
  { csv, prior, classes, overwrite }: EvaluateOptions,
): Outputs | undefined {
  if (csv === undefined) return undefined
  const maps = pairs.flatMap(({ segmentation, truth }) => [segmentation, truth])
  const tables = maps.map((map) => besideVolume(map, '.tsv'))
  const ofPrior = prior === undefined ? [] : [prior, tableBeside(prior)]
  const inputs = [...maps, ...tables, classes, ...ofPrior]
  return Outputs.ofFile(csv, { files: [csv], inputs, overwrite }, '--csv')
}
