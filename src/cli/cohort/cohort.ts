import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Argument, Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { channelFiles } from '../inputs/channel-files.js'
import { findBidsScans, isBidsDataset, requireAll, type BidsChoice } from './bids-dataset.js'
import { nameOfVolume } from '../outputs/file-names.js'
import { holdsDicom } from './dicom.js'
import { identityOf, isDirectory, isPattern, matchesOf, onceEach, volumesIn } from './folder-volumes.js'
import { joinByName, joinedFolders } from './joined-folders.js'
import { requireLabelOrder } from './label-order.js'
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
    `${scans}. Files, folders, globs in quotes, lists (.tsv, .csv) or BIDS datasets (docs/cohorts.md); several contrasts of one scan are files joined by commas, t1.nii.gz,t2.nii.gz, or of many scans folders, t1/,t2/`,
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
      new Option(
        '--suffix <suffixes>',
        'of BIDS datasets: the end of the names of the scans; several, such as T1w,T2w, for contrasts of one scan',
      ).default('T1w'),
    )
}

/**
 * Finds the scans that arguments stand for: files; all scans in a folder; what a glob matches; the files of a list; the
 * scans of a BIDS dataset. Those of one argument are in natural order, except for the lines of a list. A scan that is
 * found twice is taken once, with a note.
 *
 * @throws UserError if an argument stands for nothing, a list or dataset is wrong, or a scan has a file twice
 */
export async function findScans(
  given: readonly string[],
  options: CohortOptions,
  terminal: Terminal,
): Promise<Cohort> {
  const found = []
  for (const argument of given) found.push(...(await scansOf(argument, options)))
  requireParticipantsKnown(found, options)
  for (const { path } of found) requireOtherContrasts(path)
  const scans = onceEach(
    found,
    ({ path }) => identityOf(path),
    ({ path }) => path,
    terminal,
  )
  return {
    scans: scans.map(({ path }) => path),
    labels: labelsOf(scans),
    places: scans.map(({ place }) => place),
  }
}

/**
 * The options of a command with the label maps of a cohort, unless they name some themselves.
 *
 * @throws UserError if those are in another order than the scans
 */
export function withLabelsOf<Options extends { labels?: string[] }>(
  { scans, labels }: Cohort,
  options: Options,
): Options {
  if (options.labels) requireLabelOrder(scans, options.labels)
  return labels && !options.labels ? { ...options, labels } : options
}

async function scansOf(argument: string, options: CohortOptions): Promise<readonly CohortScan[]> {
  const { participantLabel, prior } = options
  if (isDirectory(argument))
    return isBidsDataset(argument) ? findBidsScans(argument, options) : scansInFolder(argument, prior)
  if (isScanList(argument) && channelFiles(argument).length === 1) {
    const listed = await readScanList(argument)
    const wanted = participantLabel?.map((label) => participantOf(label)!)
    if (!wanted) return listed
    const participants = new Set(listed.flatMap(({ participant }) => participant ?? []))
    requireAll(wanted, [...participants], argument)
    return listed.filter(({ participant }) => participant !== undefined && wanted.includes(participant))
  }
  const folders = joinedFolders(argument)
  if (folders) {
    const files = []
    for (const part of folders)
      files.push(
        isDirectory(part) ? scansInFolder(part, prior).map(({ path }) => path) : await matchesOf(part),
      )
    return joinByName(argument, files).map((path) => ({ path }))
  }
  if (!isPattern(argument)) return [{ path: requireParts(argument) }]
  return (await matchesOf(argument)).map((path) => ({ path }))
}

/** A scan whose channels have files at both sides of each comma. @throws UserError */
function requireParts(scan: string): string {
  const files = channelFiles(scan)
  const other = files.find((file) => file === '' || isDirectory(file) || isScanList(file))
  if (files.length === 1 || other === undefined) return scan
  const what = other === '' ? 'a name is missing' : `${other} is not one`
  throw new UserError(
    `${scan}: commas join the files of one scan, or folders alone, but ${what}; for many scans, give a folder per contrast, a list, or a BIDS dataset with --suffix T1w,T2w`,
  )
}

/** Requires that the contrasts of a scan are several files: one file twice says nothing more. @throws UserError */
function requireOtherContrasts(scan: string): void {
  const files = channelFiles(scan)
  const identities = files.map(identityOf)
  const again = files.find((_, i) => identities.indexOf(identities[i]!) < i)
  if (again === undefined) return
  throw new UserError(
    `${scan}: has ${again} as two contrasts of one scan; give each contrast once, or the file alone`,
  )
}

/** Ends of the names of volumes that are no scans, but made from some. */
const notScans = /_(dseg|probseg|mask|biasfield|entropy|reconstruction)$/i

function scansInFolder(folder: string, prior: string | undefined): CohortScan[] {
  const volumes = volumesIn(folder)
  const scans = volumes
    .filter((name) => !notScans.test(nameOfVolume(name)))
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
      : hasParticipants(folder)
        ? '; if it is a BIDS dataset, it lacks dataset_description.json'
        : ''
  throw new UserError(`${folder}: holds no scan${others}`)
}

const hasParticipants = (folder: string): boolean =>
  readdirSync(folder, { withFileTypes: true }).some(
    (entry) => entry.name.startsWith('sub-') && entry.isDirectory(),
  )

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
