import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Option } from 'commander'
import { UserError } from '../../errors.js'
import type { Assessment } from '../../sae/assessment/assessment.js'
import { removeLeftovers } from '../../io/atomic-file.js'
import { channelFiles, resolvedScan } from '../inputs/channel-files.js'
import { describeDerivative, type Derivative, type Naming } from '../cohort/bids-derivatives.js'
import type { DerivedFrom } from '../cohort/bids-sidecars.js'
import { fileDigest } from '../outputs/file-digest.js'
import { candidateNames, distinctNames } from '../outputs/file-names.js'
import { flagOf } from '../options.js'
import { Outputs } from '../outputs/output-files.js'
import { makeFolder } from '../outputs/output-folder.js'
import { OutputRecord, type Origin } from '../outputs/output-record.js'
import { inFormat, requireOneFormat, type ResultFormat } from '../outputs/result-format.js'
import { outputName } from '../program-name.js'
import { pagesOf } from '../report/report-files.js'
import { tablesOfScans } from '../tables/scan-tables.js'
import { shardOf, type Shard } from '../cohort/shard.js'
import type { Terminal } from '../terminal.js'

/** A scan to segment. */
export interface Job {
  readonly scan: string
  /** What its outputs are called, and by which tables name it. */
  readonly name: string
  /** Its position among the scans of the command line. */
  readonly index: number
  /** The output folder of the run. */
  readonly folder: string
  /** Path of the outputs, up to `_dseg.nii.gz`. */
  readonly stem: string
  /** Of the volumes among them. */
  readonly format: ResultFormat
  /** If its outputs are part of a BIDS derivative. */
  readonly from?: DerivedFrom | undefined
}

/** What decides about the segmentations of a run. */
interface Request {
  readonly scans: readonly string[]
  /** What the outputs of each scan are called, if that is settled. */
  readonly naming?: Naming | undefined
  readonly folder: string
  readonly keepExisting: boolean | undefined
  readonly overwrite: boolean | undefined
  /** Files that all scans are segmented with, by what they are. */
  readonly with: Readonly<Record<string, string | undefined>>
  /** Files that are only read. */
  readonly reads: readonly string[]
  /** The options that a segmentation depends on. */
  readonly options: Readonly<Record<string, string | number | boolean | undefined>>
  /** The part of the scans that this run takes, if it shares them with others. */
  readonly shard: Shard | undefined
  /** What is written for each scan beside `_dseg.nii.gz` and `_dseg.tsv`; volumes by the names that they have in NIfTI. */
  readonly endings: readonly string[]
  /** Of volumes: `nii.gz` unless another is asked for. */
  readonly format?: ResultFormat | undefined
  /** Whether pages are made of the segmentations. */
  readonly report?: boolean | undefined
}

/** What a run makes of each scan. */
export interface ScanRequest extends Omit<Request, 'endings' | 'report'> {
  /** All files that are written for a scan of this name; the last one marks it as done. */
  readonly filesOf: (name: string) => readonly string[]
  /** Files about all scans, which every run of ours renews, for scans of these names. */
  readonly renewedFor?: (names: readonly string[]) => readonly string[]
  /** What is done with scans, for messages: `segmented`. */
  readonly done: string
}

/** What came of a run. */
export interface SegmentationRun {
  /** Of every scan, also of those that were segmented before. */
  readonly jobs: readonly Job[]
  /** What was made in this run. */
  readonly made: readonly MadeSegmentation[]
  /** Of every n-th voxel. */
  readonly every: number
}

export interface MadeSegmentation {
  readonly scan: string
  readonly assessment: Assessment
  /** Per voxel, after each iteration of EM. */
  readonly logLikelihoods?: readonly number[]
}

/** The segmentations that a run has to make, and where they go. */
export class SegmentationJobs {
  private constructor(
    /** Without the scans that are segmented already, if these are to be left out. */
    readonly jobs: readonly Job[],
    /** Of every scan, done or not. */
    readonly all: readonly Job[],
    private readonly outputs: readonly Outputs[],
    private readonly made: Origin['made'],
    private readonly derivative: Derivative | undefined,
  ) {}

  /**
   * Chooses a name for each scan and looks at what is there.
   *
   * @throws UserError if two scans would have the same outputs, if a segmentation to be kept was made in another way, or
   *   if something is in the way
   */
  static async plan({ endings, report, ...request }: Request, terminal: Terminal): Promise<SegmentationJobs> {
    const { format = 'nii.gz' } = request
    const written = [...endings, '_dseg.tsv', '_dseg.nii.gz'].map((ending) => inFormat(ending, format))
    const filesOf = (name: string) => written.map((ending) => name + ending)
    const renewedFor = (names: readonly string[]) => [...tablesOfScans, ...(report ? pagesOf(names) : [])]
    const done = 'segmented'
    const planned = await SegmentationJobs.planFiles({ ...request, filesOf, renewedFor, done }, terminal)
    for (const { stem } of planned.jobs) requireOneFormat(stem, format)
    return planned
  }

  /** The same for whatever else is made of scans. */
  static async planFiles(request: ScanRequest, terminal: Terminal): Promise<SegmentationJobs> {
    const { scans, folder, shard, keepExisting = false, overwrite = false, filesOf, done, reads } = request
    const { format = 'nii.gz' } = request
    const made = await madeWith(request)
    const record = await OutputRecord.read(folder)
    const markOf = (name: string): string => filesOf(name).at(-1)!
    const ownerOf = (name: string): string | undefined => record.originOf(markOf(name))?.scan
    const names = request.naming?.names ?? namesOf(scans, ownerOf)
    const whole = names.map((name, index): Job => ({
      ...{ scan: scans[index]!, index, name, folder, format },
      stem: join(folder, name),
      from: request.naming?.derivative?.from[index],
    }))
    const all = shardOf(whole, shard)
    if (shard) {
      const { index, count } = shard
      terminal.note(`shard ${index} of ${count}: ${all.length} of ${whole.length} scans`)
    }
    const jobs: Job[] = []
    for (const job of all) {
      const path = join(folder, markOf(job.name))
      if (!keepExisting || !existsSync(path)) jobs.push(job)
      else if (!(await isKept(path, job.scan, made, request, terminal))) jobs.push(job)
    }
    if (jobs.length < all.length)
      terminal.status(`${all.length - jobs.length} of ${all.length} scans are ${done} already.`)
    const renewed = request.renewedFor?.(jobs.map(({ name }) => name)) ?? []
    const planned = {
      files: jobs.flatMap(({ name }) => filesOf(name).map((file) => join(folder, file))),
      renewed: renewed.map((file) => join(folder, file)),
      inputs: [...scans.flatMap(channelFiles), ...reads, ...Object.values(request.with)],
      // What a killed run left of a scan that it did not finish is made again.
      overwrite: overwrite || keepExisting,
    }
    const places = [...new Set(jobs.map(placeOf))]
    // The last place looks at the files of all: by then, the other places are locked.
    const outputs = places.map((place, i) =>
      Outputs.inFolder(place, i === places.length - 1 ? planned : onlyLocked, shard),
    )
    for (const output of outputs) await output.requireFree()
    return new SegmentationJobs(jobs, all, outputs, made, request.naming?.derivative)
  }

  /** Takes the output folder, as `Outputs`, and makes it ready. @throws UserError as `Outputs`, or if the disk refuses */
  async claim(): Promise<void> {
    for (const output of this.outputs) await output.claim()
    for (const folder of new Set(this.jobs.map(({ stem }) => dirname(stem)))) {
      makeFolder(folder)
      await removeLeftovers(folder)
    }
    const folder = this.jobs[0]?.folder
    if (this.derivative && folder !== undefined) await describeDerivative(folder, this.derivative)
  }

  /** Removes what will be replaced, once it is claimed; see `Outputs`. @throws UserError if the disk refuses */
  async clear(): Promise<void> {
    for (const output of this.outputs) await output.clear()
  }

  /** What a scan's outputs are made from. @throws UserError if it cannot be read */
  async originOf({ scan }: Job): Promise<Origin> {
    return originOf(scan, this.made)
  }
}

const onlyLocked = { files: [], inputs: [], overwrite: false }

/**
 * The folder that a scan's run has to itself. In a BIDS derivative, that is the participant's: runs on different
 * participants may write one derivative at the same time.
 */
function placeOf({ folder, name, from }: Job): string {
  return from ? join(folder, name.split('/', 1)[0]!) : folder
}

/**
 * The names that the scans have, or would have if there was nothing in the folder; others only if these are taken.
 * What other shards have written so far makes no difference.
 */
function namesOf(scans: readonly string[], ownerOf: (name: string) => string | undefined): string[] {
  const isTaken = (name: string, path: string) => ![undefined, resolvedScan(path)].includes(ownerOf(name))
  const nameOf = (path: string, candidates: readonly string[]) =>
    candidates.find((name) => ownerOf(name) === resolvedScan(path))
  const plain = distinctNames(scans, () => false)
  const isOther = scans.some((path, i) => ![undefined, plain[i]].includes(nameOf(path, candidateNames(path))))
  const fits = !isOther && !plain.some((name, i) => isTaken(name, scans[i]!))
  return fits ? plain : distinctNames(scans, isTaken, nameOf)
}

async function originOf(scan: string, made: Origin['made']): Promise<Origin> {
  return { scan: resolvedScan(scan), made: { scan: (await fileDigest(scan)).sha256, ...made } }
}

/** Checksums of what all scans are segmented with, and the options. */
async function madeWith({ with: files, options }: ScanRequest): Promise<Origin['made']> {
  const made: Record<string, string | number | boolean> = {}
  for (const [role, path] of Object.entries(files))
    if (path !== undefined) made[role] = (await fileDigest(path)).sha256
  for (const [name, value] of Object.entries(options)) if (value !== undefined) made[name] = value
  return made
}

/** Whether a segmentation that is there is the one asked for. @throws UserError if it is another, not to be replaced */
async function isKept(
  path: string,
  scan: string,
  made: Origin['made'],
  { overwrite = false, with: files }: ScanRequest,
  terminal: Terminal,
): Promise<boolean> {
  const file = basename(path)
  const record = await OutputRecord.read(dirname(path))
  const before = record.originOf(file)?.made
  const now = (await originOf(scan, made)).made
  const names = Object.keys({ ...now, ...before })
  const difference = before && names.find((name) => before[name] !== now[name])
  if (before && difference === undefined) {
    if (!(await record.holds(file)))
      terminal.warn(`${path}: was changed after sae wrote it; it is kept as it is`)
    return true
  }
  if (overwrite) return false
  const how =
    difference === undefined
      ? 'is there, but nothing says that sae made it from this scan'
      : `is there, but was made ${describe(difference, before?.[difference], files)}`
  throw new UserError(`${path}: ${how}; give --overwrite too to make it anew, or another ${outputName}`)
}

/** What was different: `with another prior`, `without --posterior`, `with --every 2`. */
function describe(name: string, before: Origin['made'][string] | undefined, files: Request['with']): string {
  if (name === 'scan') return 'from another scan'
  if (name === 'command') return `by sae ${String(before)}`
  if (name in files) return `with ${name.endsWith('s') ? 'other' : 'another'} ${name}`
  if (before === undefined || before === false) return `without ${flagOf(name)}`
  return `with ${flagOf(name)}${before === true ? '' : ` ${before}`}`
}
/** What voxels of a segmentation hold: a code for each side of a class, one code for each class, or the class itself. */
export type LabelsOut = 'codes' | 'merged' | 'classes'

export const labelsOutOption = (): Option =>
  new Option(
    '--labels-out <values>',
    'voxel values: label codes, those of the left and of the right side if a class has both; merged: the left code for both sides; or classes 0..K-1',
  )
    .choices(['codes', 'merged', 'classes'])
    .default('codes')

export const keepExistingOption = (): Option =>
  new Option(
    '--keep-existing',
    'leave out scans whose segmentation is there already, made from the same scan in the same way',
  )

export const reportOption = (): Option =>
  new Option(
    '--report',
    'also write a page for each scan and index.html, a page for all scans in the folder, to look at in any browser',
  )
/** For the help of --resample. */
export const onScans = ', and results are on the grid of each scan'

/** For the help of commands that write segmentations. */
export const segmentationFiles = `
Writes to the output folder, on the grid of each scan:
  NAME_dseg.nii.gz     the segmentation (.nii or .mgz with --format, as all volumes)
  NAME_dseg.tsv        what its values mean (BIDS)
  NAME_probseg.nii.gz  with --posterior: the probability of each class
  volumes.csv          a row per scan: the volume of each class
  qc.csv               a row per scan: the verdict and the figures behind it
  NAME_report.html     with --report: slices, volumes, figures and how it was made; index.html shows all scans
  run.json             quality of the segmentations, settings, versions, checksums of the inputs
NAME is that of the scan's file, after the sub- and ses- of its folders if it has none (sub-01/anat/T1w.nii.gz:
sub-01_T1w), or after the names of its folders if scans could else not be told apart.`
