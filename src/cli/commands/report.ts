import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { UserError } from '../../errors.js'
import { terminalOf } from '../options.js'
import { Outputs } from '../outputs/output-files.js'
import { pagesOf, trainingPage } from '../report/report-files.js'
import { writeReports } from '../report/reports.js'
import { segmentedScans } from '../report/scan-report.js'
import type { Terminal } from '../terminal.js'

export function addReport(program: Command): void {
  program
    .command('report')
    .summary('make pages to look at results in a browser')
    .description(
      'Makes pages from what is in an output folder: one for each scan, with slices, volumes, the assessment and how it was made; index.html, a table of all scans; and training.html, the curves of its logs and one scan by epoch. A page is one file that needs no network.',
    )
    .argument('<folder>', 'output folder of segment, em, pretrain or train')
    .addHelpText(
      'after',
      `
Pages of earlier reports are renewed. docs/results.md says what they show.

Example:
  sae report out/`,
    )
    .action(async (folder: string, _: unknown, self: Command) => {
      await report(folder, terminalOf(self))
    })
}

async function report(folder: string, terminal: Terminal): Promise<void> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`${folder}: there is no such folder; give the output folder of a run`)
  const names = await segmentedScans(folder)
  const renewed = pagesOf(names).map((name) => join(folder, name))
  const outputs = Outputs.inFolder(folder, { files: [], renewed, inputs: [], overwrite: false })
  await outputs.requireFree()
  await outputs.claim()
  const { scans, logs } = await writeReports(folder, names, terminal)
  if (logs > 0) terminal.status(`Curves: ${join(folder, trainingPage)}`)
  if (scans + logs === 0 && names.length > 0) {
    const whose = names.length === 1 ? 'its segmentation' : `any of its ${names.length} segmentations`
    throw new UserError(
      `${folder}: nothing can be shown of ${whose}, because scans are gone or files damaged (see the warnings); put the scans back where they were`,
    )
  }
  if (scans + logs === 0) {
    throw new UserError(
      `${folder}: has no segmentation that sae made and no log; give the output folder of sae segment, em, pretrain or train`,
    )
  }
}
