import { join } from 'node:path'
import { UserError } from '../../errors.js'
import { inFormat, requireFormatOfLayout, type ResultFormat } from '../outputs/result-format.js'
import type { Origin } from '../outputs/output-record.js'
import { hasSidecar, sidecarEnding } from './prepare-sidecars.js'
import { endingsOf, type StepName } from './prepare-steps.js'
import { SegmentationJobs, type Job } from '../segment/segmentation-files.js'
import type { Naming } from '../cohort/bids-derivatives.js'
import type { Shard } from '../cohort/shard.js'
import type { Stripper } from './stripper.js'
import type { Terminal } from '../terminal.js'

/** What decides about the files of a run. */
interface Request {
  readonly scans: readonly string[]
  /** Those that are not skipped, in order. */
  readonly steps: readonly StepName[]
  readonly stripper: Stripper | undefined
  /** If the results make a BIDS derivative. */
  readonly naming: Naming | undefined
  readonly options: {
    readonly output: string
    readonly margin: number
    readonly percentiles?: readonly [number, number]
    readonly bias: number
    readonly to?: string
    readonly precision?: string
    readonly keepExisting?: boolean
    readonly shard?: Shard
    readonly format?: ResultFormat
    readonly overwrite?: boolean
  }
}

/** BIDS's suffixes of anatomical scans. */
const kinds = /_(T1w|T2w|T2starw|PDw|FLAIR|UNIT1|MP2RAGE|inplaneT1|inplaneT2)$/

/** What BIDS calls this kind of scan: the suffix of its name, else T1w. */
export function suffixOf(path: string): string {
  return kinds.exec(path.replace(/\.(nii(\.gz)?|np[yz]|mg[hz])$/i, ''))?.[1] ?? 'T1w'
}

/** The scans that a run has to prepare, and where the results go. */
export class PrepareJobs {
  private constructor(
    private readonly planned: SegmentationJobs,
    private readonly folder: string,
  ) {}

  /** @throws UserError as `SegmentationJobs.plan` */
  static async plan(
    { scans, steps, stripper, naming, options }: Request,
    terminal: Terminal,
  ): Promise<PrepareJobs> {
    const {
      output: folder,
      shard,
      margin,
      percentiles,
      bias,
      to,
      precision,
      keepExisting,
      format = 'nii.gz',
      overwrite,
    } = options
    requireFormatOfLayout(format, naming?.derivative !== undefined)
    const conforms = steps.includes('conform')
    const strips = steps.includes('strip')
    const filesOf = (name: string) =>
      steps
        .flatMap((step) => endingsOf(step, suffixOf(name), conforms))
        // The last file marks a scan as done, so its sidecar comes before it.
        .flatMap((end) => (naming && hasSidecar(end) ? [sidecarEnding(end), end] : [end]))
        .map((end) => stemOf(name) + inFormat(end, format))
    const request = {
      ...{
        scans,
        naming,
        folder,
        shard,
        format,
        keepExisting,
        overwrite,
        filesOf,
        done: 'prepared',
        reads: [],
      },
      with: {
        ...Object.fromEntries(
          (stripper?.files ?? []).map((path, i) => [i === 0 ? 'network' : `weights ${i}`, path]),
        ),
        target: to,
      },
      options: {
        ...{ command: 'prepare', steps: steps.join(' ') },
        ...(strips ? { margin, percentiles: percentiles?.join(','), precision } : {}),
        ...(steps.includes('bias') ? { bias } : {}),
      },
    }
    const planned = await SegmentationJobs.planFiles(request, terminal)
    requireApart(planned.jobs)
    return new PrepareJobs(planned, folder)
  }

  get jobs(): readonly Job[] {
    return this.planned.jobs
  }

  /** Takes the output folder and removes what will be replaced. @throws UserError as `SegmentationJobs` */
  async claim(): Promise<void> {
    await this.planned.claim()
    await this.planned.clear()
  }

  /** Path of a scan's files, up to the endings of the steps. */
  stemOf({ name }: Job): string {
    return join(this.folder, stemOf(name))
  }

  /** What a scan's files are made from. @throws UserError if it cannot be read */
  originOf(job: Job): Promise<Origin> {
    return this.planned.originOf(job)
  }
}

/** A scan's name without its kind: `sub-01_T1w` -> `sub-01`. */
function stemOf(name: string): string {
  return name.replace(kinds, '')
}

/** @throws UserError if two scans differ in nothing but their kind: their masks would have one name */
function requireApart(jobs: readonly Job[]): void {
  const before = new Map<string, string>()
  for (const { name, scan } of jobs) {
    const stem = stemOf(name)
    const other = before.get(stem)
    if (other !== undefined)
      throw new UserError(
        `${other} and ${scan} would both be written as ${stem}; prepare them into two folders`,
      )
    before.set(stem, scan)
  }
}
