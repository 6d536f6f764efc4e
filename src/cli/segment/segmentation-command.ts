import { requireFormatOfLayout } from '../outputs/result-format.js'
import type { Gpu } from '../../gpu/gpu.js'
import type { Assessments } from '../assess/assessments.js'
import { thinnedNaming, type Naming } from '../cohort/bids-derivatives.js'
import { isTableFile } from '../inputs/classes.js'
import { peakMemory } from '../device.js'
import type { FailedScans } from '../cohort/failed-scans.js'
import { keepingRecord } from '../run/keeping-record.js'
import type { ResultFormat } from '../outputs/result-format.js'
import { tableBeside } from '../prior/prior-file.js'
import { writeReports } from '../report/reports.js'
import type { Input, Run } from '../run/run-record.js'
import { SegmentationJobs, type Job, type LabelsOut, type MadeSegmentation } from './segmentation-files.js'
import type { Shard } from '../cohort/shard.js'
import type { Terminal } from '../terminal.js'

/** Options that `segment` and `em` share. */
interface SegmentationOptions {
  readonly prior: string
  readonly output: string
  readonly matchByIndex: boolean
  readonly volume?: number
  readonly every: number
  readonly resample?: boolean
  readonly posterior?: boolean
  readonly labelsOut: LabelsOut
  readonly classes?: string
  readonly keepExisting?: boolean
  readonly shard?: Shard
  readonly report?: boolean
  readonly overwrite?: boolean
  readonly format?: ResultFormat
}

/** What only one of the two commands reads, writes and depends on. */
interface Own {
  readonly command: 'segment' | 'em'
  /** Files that all scans are segmented with, by what they are. */
  readonly with?: Readonly<Record<string, string>>
  /** Files that are only read. */
  readonly reads?: readonly string[]
  /** Settings that a segmentation depends on. */
  readonly settings: Readonly<Record<string, string | number | boolean | undefined>>
  /** What is written for each scan, besides the segmentation, its table and the posterior. */
  readonly endings: readonly string[]
}

/**
 * Plans the segmentations of a command.
 *
 * @param settled what the outputs of each scan are called, if that is settled
 * @throws UserError as `SegmentationJobs.plan`
 */
export function planSegmentations(
  scans: readonly string[],
  settled: Naming | undefined,
  options: SegmentationOptions,
  own: Own,
  terminal: Terminal,
): Promise<SegmentationJobs> {
  const { output: folder, shard, keepExisting, overwrite, report, prior, classes } = options
  const { matchByIndex, resample, labelsOut, posterior, volume, every, format } = options
  requireFormatOfLayout(format, settled?.derivative !== undefined)
  // With --resample, results are on the scan's own grid, whatever its --every.
  const naming = settled && !resample ? thinnedNaming(settled, every) : settled
  const sidecars = naming?.derivative ? ['_dseg.json', ...(posterior ? ['_probseg.json'] : [])] : []
  const table = classes !== undefined && isTableFile(classes)
  const request = {
    ...{ scans, naming, folder, shard, keepExisting, overwrite, report, format, reads: own.reads ?? [] },
    with: { ...own.with, prior, 'prior table': tableBeside(prior), classes: table ? classes : undefined },
    options: {
      ...{ command: own.command, labelsOut, posterior, volume, ...own.settings },
      ...(matchByIndex ? { matchByIndex } : {}),
      ...(resample ? { resample } : {}),
      ...(table ? {} : { classes }),
    },
    endings: [...(posterior ? ['_probseg.nii.gz'] : []), ...sidecars, ...own.endings],
  }
  return SegmentationJobs.plan(request, terminal)
}

/** What a command segmented, and how that went. */
interface Segmented {
  readonly command: Own['command']
  readonly jobs: readonly Job[]
  /** Those that are segmented so far. */
  readonly made: readonly MadeSegmentation[]
  /** What was read besides scans and prior. */
  readonly inputs: readonly Input[]
  readonly assessments: Assessments
  readonly failed: FailedScans
}

/**
 * Segments one scan after the other; then prints and records what a command found, and makes the pages if they are wanted.
 * If it ends before, records the scans that are done.
 *
 * @param done called after the last scan, before anything else is printed
 * @throws UserError if a file cannot be written; as `segmentOne`
 */
export async function segmentAll(
  segmented: Segmented,
  options: SegmentationOptions,
  gpu: Gpu,
  terminal: Terminal,
  segmentOne: (job: Job, i: number) => Promise<void>,
  done: () => void | Promise<void>,
): Promise<void> {
  const { command, jobs, made, inputs, assessments, failed } = segmented
  const run = (interrupted?: number): Run => {
    const read = [
      ...jobs.slice(0, made.length).map(({ scan }) => ({ role: 'scan', path: scan })),
      { role: 'prior', path: options.prior },
      ...inputs,
    ]
    return { command, options, inputs: read, adapter: gpu.adapter, interrupted, figures: failed.figures }
  }
  await keepingRecord(
    async () => {
      for (const [i, job] of jobs.entries()) await failed.noting(job, () => segmentOne(job, i))
    },
    async (interrupted) =>
      made.length > 0 && (await assessments.record(options.output, run(interrupted), made.length)),
  )
  await done()
  terminal.status(peakMemory(gpu))
  await assessments.finish(options.output, run(), terminal)
  const names = jobs.map(({ name }) => name)
  if (options.report) await writeReports(options.output, names, terminal)
}
