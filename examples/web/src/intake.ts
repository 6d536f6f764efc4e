import type { Engine } from './engine.js'
import { chosenFiles, setFiles } from './forms.js'
import { describeRoles, rolesOf } from './roles.js'

/** What became of files that were dropped or opened. */
interface Intake {
  /** One line about it. */
  readonly line: string
  /** Whether images, or the table of their classes, are in the form now, to be read. */
  readonly hasImages: boolean
  readonly weights: File | undefined
}

/**
 * Puts files into the fields of a form for what they are, whatever they are called.
 *
 * @throws Error with one line if none of them is of use
 */
export async function takeFiles(
  files: readonly File[],
  engine: Engine,
  form: HTMLFormElement,
): Promise<Intake> {
  const sorted = await engine.call('sortFiles', files)
  const faults = sorted.flatMap((file) => ('fault' in file ? [file.fault] : []))
  if (faults.length === files.length) throw new Error(faults.join(' '))
  const chosen = chosenFiles(form)
  const roles = rolesOf(sorted, { scans: chosen.scans.length, prior: chosen.prior !== undefined })
  const pick = (indices: readonly number[]): File[] => indices.map((i) => files[i]!)
  const prior = roles.prior === undefined ? [] : pick([roles.prior])
  const table = roles.table === undefined ? [] : pick([roles.table])
  if (roles.scans.length > 0) {
    setFiles(form, 'scans', pick(roles.scans))
    // They belonged to other scans.
    setFiles(form, 'truths', [])
  }
  if (prior.length > 0) setFiles(form, 'prior', prior)
  if (roles.truths.length > 0) setFiles(form, 'truths', pick(roles.truths))
  if (table.length > 0) setFiles(form, 'table', table)
  // A label map or a prior alone: there is nothing else to look at.
  if (prior.length > 0 && chosenFiles(form).scans.length === 0) {
    setFiles(form, 'scans', prior)
    setFiles(form, 'prior', [])
  }
  return {
    line: [describeRoles(sorted, roles), ...faults].filter(Boolean).join(' '),
    hasImages: [roles.scans, prior, roles.truths, table].some(({ length }) => length > 0),
    weights: roles.weights === undefined ? undefined : files[roles.weights],
  }
}
