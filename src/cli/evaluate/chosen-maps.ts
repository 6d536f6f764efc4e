import { basename } from 'node:path'
import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { requireAll } from '../cohort/bids-dataset.js'
import { entityOf } from '../cohort/bids-names.js'
import { participantOf } from '../cohort/scan-list.js'
import { nameOfVolume } from '../outputs/file-names.js'

/** Whose label maps are meant. */
export interface MapChoice {
  /** Participants, with or without `sub-`; all if undefined. */
  readonly participantLabel?: readonly string[]
  /** Sessions, with or without `ses-`; all if undefined. */
  readonly session?: readonly string[]
}

export function addChoiceOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--participant-label <labels...>',
        'of BIDS derivatives and of lists with participant_id: only label maps of these participants, such as 01 02; of folders and globs beside them, those of others are left out by their names',
      ),
    )
    .addOption(
      new Option('--session <labels...>', 'of BIDS derivatives: only label maps of these sessions, likewise'),
    )
}

const entityIn = (file: string, key: string): string | undefined =>
  entityOf(nameOfVolume(basename(file)), key)

/** Files without those whose names are of another participant or session. A name that does not say stays. */
export function chosenMaps(files: readonly string[], { participantLabel, session }: MapChoice): string[] {
  const participants = participantLabel?.map((label) => participantOf(label))
  const sessions = session?.map((label) => `ses-${label.replace(/^ses-/, '')}`)
  const fits = (file: string, key: string, wanted: readonly (string | undefined)[] | undefined): boolean => {
    const value = entityIn(file, key)
    return !wanted || value === undefined || wanted.includes(`${key}-${value}`)
  }
  return files.filter((file) => fits(file, 'sub', participants) && fits(file, 'ses', sessions))
}

/** Those of a derivative. @throws UserError if it has none of a participant that was asked for, or of these sessions */
export function chosenOfDataset(root: string, files: readonly string[], choice: MapChoice): string[] {
  const { participantLabel, session } = choice
  const participants = files.map((file) => `sub-${entityIn(file, 'sub') ?? ''}`)
  const wanted = participantLabel?.map((label) => participantOf(label)!)
  requireAll(wanted, [...new Set(participants)], root)
  const chosen = chosenMaps(files, choice)
  if (chosen.length > 0 || files.length === 0) return chosen
  const whose = wanted ? ` of ${wanted.join(', ')}` : ''
  throw new UserError(`${root}: has no label map${whose} of session ${session!.join(', ')}`)
}

/** @throws UserError if there is nothing to choose from */
export function requireChoosable(
  { participantLabel, session }: MapChoice,
  from: { readonly derivative: boolean; readonly participants: boolean },
): void {
  if (participantLabel && !from.derivative && !from.participants)
    throw new UserError(
      '--participant-label chooses from BIDS derivatives and lists with participant_id, but none is given',
    )
  if (session && !from.derivative)
    throw new UserError('--session chooses from BIDS derivatives, but none is given')
}
