import { createRequire } from 'node:module'
import { Command } from 'commander'
import { requireMeant } from './arguments.js'
import { addCompare } from './commands/compare.js'
import { addConvert } from './commands/convert.js'
import { addAdapt } from './commands/adapt.js'
import { addDemo } from './commands/demo.js'
import { addEm } from './commands/em.js'
import { addEvaluate } from './commands/evaluate.js'
import { addExport } from './commands/export.js'
import { exitCodeOf } from './run/failure.js'
import { addInfo } from './commands/info.js'
import { addPretrain } from './commands/pretrain.js'
import { addPrepare } from './commands/prepare.js'
import { addPrior } from './commands/prior.js'
import { addReport } from './commands/report.js'
import { addRegister } from './commands/register.js'
import { addResample } from './commands/resample.js'
import { addSegment } from './commands/segment.js'
import { addSynth } from './commands/synth.js'
import { addTrain } from './commands/train.js'
import { addTune } from './commands/tune.js'

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

/** Every command, with its options and help. */
export const program = new Command('sae')
  .description(
    'Segmentation Auto-Encoder: learns to segment brain scans without labelled scans, from the scans themselves and one prior: a probabilistic atlas, or the label map of another person.',
  )
  .version(version)
  .option(
    '--adapter <name>',
    'GPU to use: part of its name, or its kind (see sae info; default: SAE_ADAPTER)',
  )
  .option('--quiet', 'print only results, warnings and errors')
  .configureHelp({ showGlobalOptions: true })
  .configureOutput({ outputError: () => undefined }) // failure.ts prints it, in one line
  .exitOverride()
  .addHelpText(
    'after',
    `
Example session:
  sae prepare raw/*.nii.gz --weights mindgrab/ -o scans/
  sae prior other-subject-labels.npz --blur 1.5 -o prior.nii.gz
  sae pretrain scans/*.nii.gz --prior prior.nii.gz -o run/
  sae train scans/*.nii.gz --prior prior.nii.gz --init run/pretrained.safetensors -o run/
  sae segment scan.nii.gz --weights run/best.safetensors --prior prior.nii.gz -o out/
  sae evaluate out/scan_dseg.nii.gz truth.nii.gz

Exit codes: 0 done, 2 wrong usage or input, 3 some scans failed and the others are done (--keep-going), 130 interrupted (143 by SIGTERM), 1 any other error.`,
  )

for (const add of [
  addPrepare,
  addRegister,
  addPrior,
  addEm,
  addPretrain,
  addTrain,
  addSegment,
  addAdapt,
  addEvaluate,
  addCompare,
  addReport,
  addResample,
  addSynth,
  addConvert,
  addExport,
  addInfo,
  addTune,
  addDemo,
])
  add(program)

/** Runs the command that the arguments of the process name. @returns the exit code */
export async function runProgram(): Promise<number> {
  try {
    requireMeant(process.argv.slice(2))
    await program.parseAsync()
    return 0
  } catch (error) {
    const called = program.commands.find((command) => process.argv.includes(command.name()))
    return exitCodeOf(error, called ? `sae ${called.name()}` : 'sae')
  }
}
