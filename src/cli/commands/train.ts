import { Option, type Command } from 'commander'
import { recipes } from '../../sae/recipes.js'
import {
  addCohortOptions,
  findScans,
  scansArgument,
  withLabelsOf,
  type CohortOptions,
} from '../cohort/cohort.js'
import { addLearningOptions, neighbourhood, realNumber, terminalOf, wholeNumber } from '../options.js'
import type { TrainOptions } from '../train/training-start.js'
import { train } from '../train/train-scans.js'

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .summary('second step: train the Segmentation Auto-Encoder')
    .description(
      'Trains encoder and decoder together, so that the segmentation of each scan explains the scan and agrees with the prior.',
    )
    .addArgument(
      scansArgument('skull-stripped scans on the grid of the prior, or any with --resample; in any units'),
    )
  const { settings: ours } = recipes.default.training
  const { settings: paper } = recipes.paper.training
  addCohortOptions(addLearningOptions(command, 'training'))
    .option(
      '--init <weights>',
      'start from these weights, usually those of sae pretrain (.safetensors, .pth.tar)',
    )
    .option('--fresh-decoder', 'with --init: start with a new decoder even if the file has one')
    .option(
      '--resume <checkpoint>',
      'continue an earlier run exactly, given the same scans and prior; it keeps its settings, but --steps or --epochs may be raised',
    )
    .addOption(
      new Option(
        '--beta <weight>',
        `weight of the MRF prior: multiplies the mean over a voxel's neighbours (default: ${ours.beta}) or, with --recipe paper, their sum (${paper.beta}); 0 makes voxels independent`,
      ).argParser(realNumber('not negative')),
    )
    .addOption(
      new Option(
        '--k <voxels>',
        `edge length of the MRF's neighbourhood, odd, 3 to 21 (default: ${ours.neighbourhood})`,
      ).argParser(neighbourhood),
    )
    .addOption(
      new Option(
        '--potential <kind>',
        `table of the MRF prior: pointwise (how much more often two classes are neighbours than by chance) or conditional (as published) (default: ${ours.potential!}; recipe paper: conditional)`,
      ).choices(['pointwise', 'conditional']),
    )
    .addOption(
      new Option('--tau <temperature>', 'temperature of the Gumbel-softmax (default: 2/3)').argParser(
        realNumber('positive'),
      ),
    )
    .addOption(
      new Option(
        '--sigma <mode>',
        `noise of the reconstruction, which weights the squared error: estimated after each epoch (continuous), estimated and rounded to a power of ten (estimated, as published), or set by --alpha (fixed) (default: ${ours.sigma}; recipe paper: ${paper.sigma})`,
      ).choices(['continuous', 'estimated', 'fixed']),
    )
    .addOption(
      new Option('--alpha <weight>', 'weight of the squared error with --sigma fixed (default: 1)').argParser(
        realNumber('not negative'),
      ),
    )
    .addOption(
      new Option(
        '--decoder-steps <n>',
        `steps that fit a new decoder before the encoder starts to change (default: ${ours.decoderSteps!}; recipe paper: 0)`,
      ).argParser(wholeNumber(0)),
    )
    .addOption(
      new Option(
        '--patience <n>',
        'stop early if the criterion of best.safetensors has not improved, by at least 1 % of its total improvement, for n windows; a window is 10 steps or one epoch, whichever is longer (default: run to the last step)',
      ).argParser(wholeNumber(1)),
    )
    .option(
      '--validate <scans...>',
      'scans to score the weights on, never learnt from: best.safetensors and --patience follow their score',
    )
    .addOption(
      new Option('--save-every <epochs>', 'how often to write last.safetensors')
        .argParser(wholeNumber(1))
        .default(10),
    )
    .addHelpText(
      'after',
      `
Writes to the output folder:
  best.safetensors  for sae segment: the weights with the lowest negative evidence bound, at the best variance and
                    averaged over 10 steps or one epoch, whichever is longer; on the scans of --validate if given
  last.safetensors  for --resume: the weights after the last step, also if the run was interrupted
  train.csv         one row per step: the loss and its terms (sums over voxels), mse, the weight of the
                    squared error, sigma (mse_1, mse_2 and so on of several channels), seconds, and Dice if
                    --labels is given
  train-examples.json  slices of one scan and its segmentation as it developed, for sae report
  run.json          quality of the segmentations, settings, versions, checksums of the inputs
Ctrl-C ends the run after the steps in flight, saves last.safetensors and exits with code 130.

Example:
  sae train scans/*.nii.gz --prior prior.nii.gz --init run/pretrained.safetensors -o run/`,
    )
    .action(async (given: string[], _: unknown, self: Command) => {
      const terminal = terminalOf(self)
      const options = self.optsWithGlobals<TrainOptions & CohortOptions>()
      const cohort = await findScans(given, options, terminal)
      const held = options.validate && (await findScans(options.validate, options, terminal))
      const learnt = { ...withLabelsOf(cohort, options), ...(held ? { validate: held.scans } : {}) }
      await train(cohort.scans, learnt, terminal)
    })
}
