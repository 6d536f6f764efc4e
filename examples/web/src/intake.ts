import type { Engine } from './engine.js'
import { chosenFiles, setChosen, setFiles, setGrouping } from './forms.js'
import type { KnowledgeFiles } from './protocol.js'
import { describeRoles, rolesOf } from './roles.js'

/** What became of files that were dropped or opened. */
interface Intake {
  /** One line about it. */
  readonly line: string
  /** Whether images, or the table of their classes, are in the form now, to be read. */
  readonly hasImages: boolean
  readonly weights: File | undefined
  /** Puts back what was chosen before: files that are refused would be read again with whatever is opened next. @throws the error */
  readonly undo: (error: unknown) => never
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
  const people = chosen.grouping === 'contrasts' ? 1 : chosen.scans.length
  const roles = rolesOf(sorted, { people, prior: chosen.prior !== undefined })
  const pick = (indices: readonly number[]): File[] => indices.map((i) => files[i]!)
  const prior = roles.prior === undefined ? [] : pick([roles.prior])
  const table = roles.table === undefined ? [] : pick([roles.table])
  if (roles.scans.length > 0) {
    setFiles(form, 'scans', pick(roles.scans))
    setGrouping(form, roles.grouping)
    // They belonged to other scans.
    setFiles(form, 'truths', [])
  }
  if (prior.length > 0) setFiles(form, 'prior', prior)
  if (roles.truths.length > 0) setFiles(form, 'truths', pick(roles.truths))
  if (table.length > 0) setFiles(form, 'table', table)
  const scanless = prior.length > 0 && chosenFiles(form).scans.length === 0
  const first = sorted[roles.prior ?? -1]
  const isMap = first !== undefined && 'kind' in first && first.kind === 'labels'
  // A label map alone: there is nothing else to look at.
  const alone = scanless && !isMap
  if (scanless && isMap) {
    setFiles(form, 'scans', prior)
    setFiles(form, 'prior', [])
  }
  return {
    line: [describeRoles(sorted, roles), ...faults, alone ? 'Now open a scan.' : '']
      .filter(Boolean)
      .join(' '),
    hasImages: !alone && [roles.scans, prior, roles.truths, table].some(({ length }) => length > 0),
    weights: roles.weights === undefined ? undefined : files[roles.weights],
    undo: (error) => {
      setChosen(form, chosen)
      throw error
    },
  }
}

/** Lets the scans that are opened next be read with these. What was chosen before belongs to other data. */
export function takeKnowledge(files: KnowledgeFiles, form: HTMLFormElement): void {
  setChosen(form, { scans: [], truths: [], grouping: 'people', ...files })
}
