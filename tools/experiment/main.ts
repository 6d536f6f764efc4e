// npm run experiment -- NAME: runs a study of studies/NAME.json and writes studies/results/NAME.json, NAME.md and
// NAME.svg. A killed run resumes at the cell it was working on.
import { join } from 'node:path'
import { Command } from 'commander'
import { exitCodeOf } from '../../src/cli/run/failure.js'
import { makeFolder } from '../../src/cli/outputs/output-folder.js'
import { Terminal } from '../../src/cli/terminal.js'
import { openGpu } from '../../src/node/index.js'
import { readDescription, studiesFolder } from './description.js'
import { publishSelection, publishStudy } from './publish.js'
import { runStudy } from './run-study.js'

interface Options {
  readonly results: string
  readonly adapter?: string
}

const program = new Command('experiment')
  .description('Runs a study, and writes its results, a report and plots.')
  .argument('<study>', 'a name in studies/, or a description (.json)')
  .option('--results <folder>', 'folder to write to, and to resume from', join(studiesFolder, 'results'))
  .option('--adapter <name>', 'GPU to compute on, as for sae')
  .configureOutput({ outputError: () => undefined }) // failure.ts prints it, in one line
  .exitOverride()
  .action(async (asked: string, { results: folder, adapter }: Options) => {
    const terminal = new Terminal('normal')
    const { name, study } = readDescription(asked)
    makeFolder(folder)
    if ('selectionFrom' in study) {
      terminal.print(await publishSelection(name, study, folder))
      return
    }
    const gpu = await openGpu({ adapter, quiet: true })
    const results = await runStudy(gpu, name, study, join(folder, `${name}.json`), terminal)
    gpu.dispose()
    terminal.print(`\n${await publishStudy(study, results, folder)}`)
  })

let exitCode = 0
try {
  await program.parseAsync()
} catch (error) {
  exitCode = exitCodeOf(error)
}
// Dawn keeps the event loop alive as long as a GPU object exists.
process.exit(exitCode)
