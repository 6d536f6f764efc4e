import { createRequire } from 'node:module'
import { Argument, Command, Option } from 'commander'
import { UserError } from '../../errors.js'
import { addCohortOptions } from '../cohort/cohort.js'
import { keepGoingOption } from '../cohort/failed-scans.js'
import { shardOption } from '../cohort/shard.js'
import { requireMeant } from '../arguments.js'
import { exitCodeOf } from '../run/failure.js'
import {
  byIndexOption,
  classesOption,
  flagOf,
  memoryOption,
  overwriteOption,
  resampleOption,
  terminalOf,
  volumeOption,
  wholeNumber,
} from '../options.js'
import { keepExistingOption, labelsOutOption, onScans } from '../segment/segmentation-files.js'
import { group } from './group.js'
import { participant, type AppOptions } from './participant.js'

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string }

/** The BIDS App. */
export const app = new Command('sae-bids')
  .description(
    'BIDS App: segments the scans of a BIDS dataset into a BIDS derivative, with trained weights or by expectation maximisation (participant); then gathers volumes and quality of all participants in tables and a page (group).',
  )
  .version(version)
  .addArgument(new Argument('<bids_dir>', 'a BIDS dataset of skull-stripped scans; may be a derivative'))
  .addArgument(new Argument('<output_dir>', 'the derivative, created if missing'))
  .addArgument(new Argument('<analysis_level>', 'what to do').choices(['participant', 'group']))

addCohortOptions(app)
  .addOption(
    new Option('--prior <file>', 'prior, one channel per class (made with sae prior); participant needs it'),
  )
  .addOption(
    new Option('--weights <file>', 'trained weights (.safetensors, .pth.tar); without them, sae em segments'),
  )
  .addOption(
    new Option(
      '--every <n>',
      'use every n-th voxel along each axis (default: as in training if the voxels are those of its scans, else 1)',
    ).argParser(wholeNumber(1)),
  )
  .option('--posterior', 'also write the probability of each class')
  .addOption(labelsOutOption())
  .addOption(classesOption())
  .addOption(byIndexOption())
  .addOption(volumeOption())
  .addOption(resampleOption(onScans))
  .addOption(memoryOption('0.7GB with weights, 1.5GB without'))
  .addOption(keepExistingOption())
  .addOption(keepGoingOption())
  .addOption(shardOption())
  .addOption(overwriteOption())
  .option(
    '--adapter <name>',
    'GPU to use: part of its name, or its kind (see sae info; default: SAE_ADAPTER)',
  )
  .option('--quiet', 'print only results, warnings and errors')
  .configureOutput({ outputError: () => undefined }) // failure.ts prints it, in one line
  .exitOverride()
  .addHelpText(
    'after',
    `
Writes to output_dir, on the grid of each scan:
  sub-*/[ses-*/]anat/*_seg-sae_dseg.nii.gz, .tsv, .json   participant: the segmentation
  volumes.csv, qc.csv, run.json                           participant: what each run found
  volumes.tsv, qc.tsv                                     group: the same with the columns of participants.tsv
  index.html, sub-*/[ses-*/]anat/*_report.html            group: pages to look at

group takes --participant-label, --session, --suffix and --quiet. Options may also be written --participant_label.
sae segment and sae em write the same derivatives and have more options. docs/bids.md has the details.

Example:
  sae-bids dataset/ dataset/derivatives/sae participant --prior prior.nii.gz --weights best.safetensors
  sae-bids dataset/ dataset/derivatives/sae group`,
  )
  .action(async (dataset: string, output: string, level: string, _: unknown, self: Command) => {
    const terminal = terminalOf(self)
    const options = self.opts<AppOptions>()
    if (level === 'participant') {
      await participant(dataset, output, options, terminal)
      return
    }
    requireOfGroup(self)
    await group(dataset, output, options, terminal)
  })

const ofGroup = ['participantLabel', 'session', 'suffix', 'quiet']

function requireOfGroup(command: Command): void {
  const other = Object.keys(command.opts()).find(
    (name) => !ofGroup.includes(name) && command.getOptionValueSource(name) === 'cli',
  )
  if (other !== undefined) throw new UserError(`${flagOf(other)} is for the level participant; leave it out`)
}

/** BIDS Apps write their options with `_`, other programs with `-`. */
const withDashes = (word: string): string =>
  word.startsWith('--') ? word.replace(/^[^=]+/, (flag) => flag.replaceAll('_', '-')) : word

/** Runs what the arguments of the process ask for. @returns the exit code */
export async function runProgram(): Promise<number> {
  try {
    requireMeant(process.argv.slice(2))
    await app.parseAsync(process.argv.slice(2).map(withDashes), { from: 'user' })
    return 0
  } catch (error) {
    return exitCodeOf(error)
  }
}
