import { Option, type Command } from 'commander'
import { defaultEm } from '../../sae/mixture/em-settings.js'
import { bidsNaming, layoutOption } from '../cohort/bids-derivatives.js'
import {
  addCohortOptions,
  findScans,
  scansArgument,
  withLabelsOf,
  type CohortOptions,
} from '../cohort/cohort.js'
import { keepGoingOption } from '../cohort/failed-scans.js'
import {
  byIndexOption,
  volumeOption,
  classesOption,
  folderOption,
  memoryOption,
  neighbourhood,
  overwriteOption,
  priorOption,
  realNumber,
  resampleOption,
  terminalOf,
  wholeNumber,
} from '../options.js'
import { formatOption } from '../outputs/result-format.js'
import {
  keepExistingOption,
  labelsOutOption,
  reportOption,
  onScans,
  segmentationFiles,
} from '../segment/segmentation-files.js'
import { shardOption } from '../cohort/shard.js'
import { em, type EmCommandOptions } from '../segment/em-scans.js'

export function addEm(program: Command): void {
  const command = program
    .command('em')
    .summary('segment scans by expectation maximisation: no network, no training')
    .description(
      'Segments each scan on its own: expectation maximisation fits a Gaussian mixture to every class, given the prior. Takes seconds to minutes per scan. A trained network has to beat this.',
    )
    .addArgument(
      scansArgument('skull-stripped scans on the grid of the prior, or any with --resample; in any units'),
    )
  addCohortOptions(command)
    .addOption(priorOption())
    .addOption(folderOption())
    .addOption(
      new Option('--components <n>', 'Gaussians per class, 1 to 3')
        .argParser(wholeNumber(1, 3))
        .default(defaultEm.components),
    )
    .addOption(
      new Option('--beta <weight>', 'weight of the MRF prior per neighbour; 0 turns it off')
        .argParser(realNumber('not negative'))
        .default(defaultEm.beta),
    )
    .addOption(
      new Option('--k <voxels>', "edge length of the MRF's neighbourhood, odd, 3 to 21")
        .argParser(neighbourhood)
        .default(defaultEm.neighbourhood),
    )
    .addOption(
      new Option(
        '--potential <kind>',
        'table of the MRF: log M, as published (conditional), or log M minus the logarithm of the share of each class, which does not favour large classes (pointwise)',
      )
        .choices(['pointwise', 'conditional'])
        .default(defaultEm.potential),
    )
    .addOption(
      new Option('--bias <order>', 'order of the smooth bias field to fit, 1 to 4; 0 for none')
        .argParser(wholeNumber(0, 4))
        .default(defaultEm.bias),
    )
    .addOption(
      new Option(
        '--iterations <n>',
        `maximum number of iterations; stops earlier once the log-likelihood per voxel changes by less than ${defaultEm.tolerance}`,
      )
        .argParser(wholeNumber(1))
        .default(defaultEm.iterations),
    )
    .addOption(
      new Option(
        '--every <n>',
        'use every n-th voxel of the scans and labels along each axis (and of the prior, if it has their full size); the output is on that grid',
      )
        .argParser(wholeNumber(1))
        .default(1),
    )
    .option(
      '--labels <files...>',
      "reference label maps, in the order of the scans; prints the Dice of EM and of the prior's own argmax",
    )
    .option('--posterior', 'also write the probability of each class')
    .addOption(labelsOutOption())
    .addOption(classesOption())
    .addOption(byIndexOption())
    .addOption(volumeOption())
    .addOption(resampleOption(onScans))
    .addOption(memoryOption('1.5GB'))
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
  NAME_biasfield.nii.gz  the bias field (unless --bias 0); scan / field is the corrected scan

Example:
  sae em scan.nii.gz --prior prior.nii.gz --labels truth.nii.gz -o out/`,
    )
    .action(async (given: string[], _: unknown, self: Command) => {
      const terminal = terminalOf(self)
      const options = self.optsWithGlobals<EmCommandOptions & CohortOptions>()
      if (options.beta === 0 && ['k', 'potential'].some((name) => self.getOptionValueSource(name) === 'cli'))
        terminal.warn('--k and --potential have no effect without --beta')
      const cohort = await findScans(given, options, terminal)
      await em(cohort.scans, withLabelsOf(cohort, options), terminal, bidsNaming(cohort, options))
    })
}
