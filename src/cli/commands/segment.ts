import { Option, type Command } from 'commander'
import { defaultTraining } from '../../sae/settings.js'
import { bidsNaming, layoutOption } from '../cohort/bids-derivatives.js'
import { addCohortOptions, findScans, scansArgument, type CohortOptions } from '../cohort/cohort.js'
import { keepGoingOption } from '../cohort/failed-scans.js'
import {
  byIndexOption,
  volumeOption,
  classesOption,
  folderOption,
  memoryOption,
  overwriteOption,
  precisionOption,
  neighbourhood,
  priorOption,
  realNumber,
  resampleOption,
  terminalOf,
  wholeNumber,
} from '../options.js'
import { formatOption } from '../outputs/result-format.js'
import { profileOption } from '../profile.js'
import {
  keepExistingOption,
  labelsOutOption,
  reportOption,
  onScans,
  segmentationFiles,
} from '../segment/segmentation-files.js'
import { shardOption } from '../cohort/shard.js'
import { segment, type SegmentOptions } from '../segment/segment-scans.js'

export function addSegment(program: Command): void {
  const command = program
    .command('segment')
    .summary('segment scans with trained weights')
    .description(
      'Segments each scan: every voxel gets the most probable of the classes that the prior allows there.',
    )
    .addArgument(
      scansArgument('skull-stripped scans on the grid of the prior, or any with --resample; in any units'),
    )
  addCohortOptions(command)
    .addOption(
      new Option(
        '--weights <file>',
        "trained weights: ours, or the reference release's (.safetensors, .pth.tar)",
      ).makeOptionMandatory(),
    )
    .addOption(priorOption())
    .addOption(folderOption())
    .addOption(
      new Option(
        '--every <n>',
        'use every n-th voxel along each axis (and of the prior, if it has the full size); the segmentation is on that grid (default: as in training if the voxels are those of its scans, else 1)',
      ).argParser(wholeNumber(1)),
    )
    .option('--posterior', 'also write the probability of each class')
    .option('--entropy', 'also write how uncertain each voxel is: the entropy of its probabilities, in nats')
    .option(
      '--reconstruction',
      "also write the decoder's image of the segmentation, in 0..1; needs weights with a decoder, and takes more time and memory",
    )
    .addOption(
      new Option('--refine <rounds>', 'rounds of mean-field refinement with the MRF prior')
        .argParser(wholeNumber(0, 1000))
        .default(0),
    )
    .addOption(
      new Option('--beta <weight>', 'weight of the MRF prior in the refinement')
        .argParser(realNumber('not negative'))
        .default(defaultTraining.beta),
    )
    .addOption(
      new Option('--k <voxels>', "edge length of the MRF's neighbourhood in the refinement, odd, 3 to 21")
        .argParser(neighbourhood)
        .default(defaultTraining.neighbourhood),
    )
    .addOption(labelsOutOption())
    .addOption(classesOption())
    .addOption(byIndexOption())
    .addOption(volumeOption())
    .addOption(resampleOption(onScans))
    .addOption(memoryOption('0.7GB'))
    .addOption(precisionOption())
    .addOption(profileOption('one segmentation, after the last scan'))
    .option(
      '--whole-grid',
      'compute everywhere, not only where the prior allows more than background: slower, same result',
    )
    .addOption(reportOption())
    .addOption(keepExistingOption())
    .addOption(keepGoingOption())
    .addOption(shardOption())
    .addOption(layoutOption())
    .addOption(formatOption())
    .addOption(overwriteOption())
    .addHelpText(
      'after',
      `${segmentationFiles}
  NAME_entropy.nii.gz         with --entropy: how uncertain each voxel is, in nats
  NAME_reconstruction.nii.gz  with --reconstruction: the decoder's image, in 0..1; of scans with several channels
                              NAME_channel-1_reconstruction.nii.gz and so on

Example:
  sae segment scan.nii.gz --weights run/best.safetensors --prior prior.nii.gz -o out/`,
    )
    .action(async (given: string[], _: unknown, self: Command) => {
      const terminal = terminalOf(self)
      const options = self.optsWithGlobals<SegmentOptions & CohortOptions>()
      if (options.refine === 0 && ['beta', 'k'].some((name) => self.getOptionValueSource(name) === 'cli')) {
        terminal.warn('--beta and --k have no effect without --refine')
      }
      const cohort = await findScans(given, options, terminal)
      await segment(cohort.scans, options, terminal, bidsNaming(cohort, options))
    })
}
