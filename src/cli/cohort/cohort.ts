import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Argument, Option, type Command } from 'commander'
import { glob, isDynamicPattern } from 'tinyglobby'
import { UserError } from '../../errors.js'
import { findBidsScans, isBidsDataset, requireAll, type BidsChoice } from './bids-dataset.js'
import { isVolumeName, nameOfVolume } from '../outputs/file-names.js'
import { holdsDicom } from './dicom.js'
import { naturally } from './natural-order.js'
import { isScanList, participantOf, readScanList, type BidsPlace, type CohortScan } from './scan-list.js'
import type { Terminal } from '../terminal.js'

/** Options that say which scans are meant. */
export interface CohortOptions extends BidsChoice {
  /** Is not a scan, even if it lies in a folder of scans. */
  readonly prior?: string
}

/** The scans that the arguments of a command stand for. */
export interface Cohort {
  readonly scans: string[]
  /** The label map of each scan, if a list has them. */
  readonly labels: string[] | undefined
  /** Where each scan lies in a BIDS dataset, if it was found in one. */
  readonly places: readonly (BidsPlace | undefined)[]
}

/** @param scans what they must be */
export const scansArgument = (scans: string): Argument =>
  new Argument(
    '<scans...>',
    `${scans}. Files, folders, globs in quotes, lists (.tsv, .csv) or BIDS datasets (docs/cohorts.md)`,
  )

export function addCohortOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--participant-label <labels...>',
        'of BIDS datasets and of lists with participant_id: only scans of these participants, such as 01 02',
      ),
    )
    .addOption(new Option('--session <labels...>', 'of BIDS datasets: only scans of these sessions'))
    .addOption(
      new Option('--suffix <suffix>', 'of BIDS datasets: the end of the names of the scans').default('T1w'),
    )
}

/**
 * Finds the scans that arguments stand for: files; all scans in a folder; what a glob matches; the files of a list; the
 * scans of a BIDS dataset. Those of one argument are in natural order, except for the lines of a list. A scan that is
 * found twice is taken once, with a note.
 *
 * @throws UserError if an argument stands for nothing, or a list or dataset is wrong
 */
export async function findScans(
  given: readonly string[],
  options: CohortOptions,
  terminal: Terminal,
): Promise<Cohort> {
  const found = []
  for (const argument of given) found.push(...(await scansOf(argument, options)))
  requireParticipantsKnown(found, options)
  const byFile = new Map<string, CohortScan>()
  for (const scan of found) {
    const identity = identityOf(scan.path)
    if (byFile.has(identity)) terminal.note(`${scan.path}: was given more than once; it is taken once`)
    else byFile.set(identity, scan)
  }
  const scans = [...byFile.values()]
  return {
    scans: scans.map(({ path }) => path),
    labels: labelsOf(scans),
    places: scans.map(({ place }) => place),
  }
}

/** The options of a command with the label maps of a cohort, unless they name some themselves. */
export function withLabelsOf<Options extends { labels?: string[] }>(
  { labels }: Cohort,
  options: Options,
): Options {
  return labels && !options.labels ? { ...options, labels } : options
}

async function scansOf(argument: string, options: CohortOptions): Promise<readonly CohortScan[]> {
  const { participantLabel, prior } = options
  if (statSync(argument, { throwIfNoEntry: false })?.isDirectory())
    return isBidsDataset(argument) ? findBidsScans(argument, options) : scansInFolder(argument, prior)
  if (isScanList(argument)) {
    const listed = await readScanList(argument)
    const wanted = participantLabel?.map((label) => participantOf(label)!)
    if (!wanted) return listed
    const participants = new Set(listed.flatMap(({ participant }) => participant ?? []))
    requireAll(wanted, [...participants], argument)
    return listed.filter(({ participant }) => participant !== undefined && wanted.includes(participant))
  }
  // A file may have a star or a bracket in its name.
  if (existsSync(argument) || !isDynamicPattern(argument)) return [{ path: argument }]
  const matches = await glob(argument, { expandDirectories: false })
  if (matches.length === 0) throw new UserError(`${argument}: matches no file`)
  return matches.sort(naturally).map((path) => ({ path }))
}

/** Ends of the names of volumes that are no scans, but made from some. */
const notScans = /_(dseg|probseg|mask|biasfield|entropy|reconstruction)$/i

function scansInFolder(folder: string, prior: string | undefined): CohortScan[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
  const volumes = files.filter((name) => !name.startsWith('.') && isVolumeName(name)).sort(naturally)
  const scans = volumes
    .filter((name) => !notScans.test(nameOfVolume(name)) && !hasHeader(name, volumes))
    .map((name) => ({ path: join(folder, name) }))
    .filter(({ path }) => prior === undefined || identityOf(path) !== identityOf(prior))
  if (scans.length > 0) return scans
  if (holdsDicom(folder)) {
    throw new UserError(
      `${folder}: is a folder of DICOM files, which are not read; make NIfTI files of them: dcm2niix -z y -o OUT ${folder}`,
    )
  }
  const others =
    volumes.length > 0
      ? ', only priors, label maps and masks'
      : entries.some((entry) => entry.name.startsWith('sub-') && entry.isDirectory())
        ? '; if it is a BIDS dataset, it lacks dataset_description.json'
        : ''
  throw new UserError(`${folder}: holds no scan${others}`)
}

/** Whether a file is the image of a pair: its header stands for both. */
function hasHeader(name: string, among: readonly string[]): boolean {
  return /\.img(\.gz)?$/i.test(name) && among.some((other) => other === name.replace(/\.img/i, '.hdr'))
}

/** Equal for two names of one file. */
function identityOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path)
}

function labelsOf(scans: readonly CohortScan[]): string[] | undefined {
  const labels = scans.flatMap(({ labels }) => labels ?? [])
  if (labels.length === 0) return undefined
  const without = scans.find(({ labels }) => labels === undefined)
  if (!without) return labels
  throw new UserError(
    `${without.path}: has no labels, but other scans of the lists do; give all of them labels, or none`,
  )
}

function requireParticipantsKnown(
  scans: readonly CohortScan[],
  { participantLabel, session }: CohortOptions,
): void {
  if (!participantLabel && !session) return
  if (scans.some(({ participant }) => participant !== undefined)) return
  const option = participantLabel ? '--participant-label' : '--session'
  throw new UserError(
    `${option} chooses from BIDS datasets${participantLabel ? ' and lists with participant_id' : ''}, but none is given`,
  )
}
