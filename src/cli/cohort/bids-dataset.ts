import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { glob } from 'tinyglobby'
import { UserError } from '../../errors.js'
import { scanOf } from '../inputs/channel-files.js'
import { isVolumeName, nameOfVolume } from '../outputs/file-names.js'
import { programName } from '../program-name.js'
import { entityOf } from './bids-names.js'
import { naturally } from './natural-order.js'
import { participantOf, type CohortScan } from './scan-list.js'

/** Which scans of a BIDS dataset are meant. */
export interface BidsChoice {
  /** Participants, with or without `sub-`; all if undefined. */
  readonly participantLabel?: readonly string[]
  /** Sessions, with or without `ses-`; all if undefined. */
  readonly session?: readonly string[]
  /** The end of the names of the scans; several, separated by commas, for the channels of one scan. */
  readonly suffix: string
}

/** In the root of every BIDS dataset. */
export const descriptionName = 'dataset_description.json'

export const isBidsDataset = (folder: string): boolean => existsSync(join(folder, descriptionName))

/**
 * The anatomical scans of a BIDS dataset, sorted naturally; not those of its derivatives.
 *
 * @throws UserError if it has none, or none of a participant that was asked for, or one that lies in another's folder
 */
export async function findBidsScans(
  root: string,
  { participantLabel, session, suffix }: BidsChoice,
): Promise<CohortScan[]> {
  const [first, ...others] = suffix.split(',')
  const files = await glob(['sub-*/anat/*', 'sub-*/ses-*/anat/*'], { cwd: root, expandDirectories: false })
  const scans = files
    .filter((file) => hasSuffix(file, first!))
    .sort(naturally)
    .map((file) => {
      const folders = file.split('/').slice(0, -1)
      const place = { dataset: root, folder: folders.join('/') }
      return { path: file, participant: folders[0]!, place }
    })
  if (scans.length === 0)
    throw new UserError(`${root}: this BIDS dataset has no scan sub-*/anat/*_${first!}; see --suffix`)
  const participants = [...new Set(scans.map(({ participant }) => participant))]
  const wanted = participantLabel?.map((label) => participantOf(label)!)
  requireAll(wanted, participants, root)
  const sessions = session?.map((label) => (label.startsWith('ses-') ? label : `ses-${label}`))
  const chosen = scans.filter(({ participant, place }) => {
    const own = place.folder.split('/')[1]!
    return (!wanted || wanted.includes(participant)) && (!sessions || sessions.includes(own))
  })
  if (chosen.length > 0)
    return chosen.map((scan) => {
      const channels = [scan.path, ...others.map((other) => besideIn(files, scan.path, first!, other, root))]
      for (const file of channels) requireOwnFolder(file, root)
      return { ...scan, path: scanOf(channels.map((file) => join(root, file))) }
    })
  const whose = wanted ? ` of ${wanted.join(', ')}` : ''
  throw new UserError(`${root}: has no scan${whose} in ${sessions!.join(', ')}`)
}

/** Requires that a file is of the participant and the session of its folders. @throws UserError */
function requireOwnFolder(file: string, root: string): void {
  const folders = file.split('/').slice(0, -1)
  for (const key of ['sub', 'ses']) {
    const folder = folders.find((name) => name.startsWith(`${key}-`))
    const own = entityOf(nameOfVolume(basename(file)), key)
    if (folder === undefined || own === undefined || folder === `${key}-${own}`) continue
    throw new UserError(
      `${join(root, file)}: is ${key}-${own} by its name and ${folder} by its folder; rename it, or move it to where it belongs`,
    )
  }
}

const hasSuffix = (file: string, suffix: string): boolean =>
  isVolumeName(file) && nameOfVolume(basename(file)).endsWith(`_${suffix}`)

/**
 * The file of another contrast of a scan: of the same entities, or the only one of its folder.
 *
 * @throws UserError if there is none, or several that could be it
 */
function besideIn(
  files: readonly string[],
  scan: string,
  first: string,
  suffix: string,
  root: string,
): string {
  const inFolder = files.filter((file) => dirname(file) === dirname(scan) && hasSuffix(file, suffix))
  const entities = nameOfVolume(scan).slice(0, -first.length)
  const same = inFolder.filter((file) => nameOfVolume(file) === entities + suffix)
  const [only, ...more] = same.length > 0 ? same : inFolder
  if (only !== undefined && more.length === 0) return only
  const instead = programName === 'sae-bids' ? `--suffix ${first}` : 'files'
  const what = only === undefined ? `no ${suffix}` : `more than one ${suffix}`
  throw new UserError(
    `${join(root, scan)}: there is ${what} beside it, which --suffix ${first},${suffix} asks for; choose others with --participant-label, or give ${instead}`,
  )
}

/** Requires every participant that was asked for. @throws UserError with the first that is not there */
export function requireAll(
  wanted: readonly string[] | undefined,
  participants: readonly string[],
  source: string,
): void {
  const missing = wanted?.find((label) => !participants.includes(label))
  if (missing === undefined) return
  const some = participants.slice(0, 5).join(', ')
  const more = participants.length > 5 ? ` and ${participants.length - 5} more` : ''
  throw new UserError(`${source}: has no scan of ${missing}, but of ${some}${more}`)
}
