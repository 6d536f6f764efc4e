import type { LabelTable } from '../../src/sae/label-table.js'
import { floorPrior, priorFromLabels } from '../../src/sae/prior-from-labels.js'
import type { Prior } from '../../src/sae/prior.js'
import type { Anatomies, Subject } from './anatomies.js'
import type { CohortDescription, PriorDescription } from './study.js'

/** Subjects and priors on one grid. */
export interface Cohort {
  readonly table: LabelTable
  /** Voxel size in millimetres. */
  readonly spacing: number
  readonly subjects: readonly Subject[]
  /** The prior of this name; caches the last one. */
  readonly prior: (name: string) => Promise<Prior>
  /** Scans with truth for a supervised network, of anatomies that are not subjects; caches the last ones. */
  readonly training: (count: number) => Promise<Subject[]>
}

/** Makes a cohort. @throws UserError if an anatomy does not exist */
export async function makeCohort(description: CohortDescription, anatomies: Anatomies): Promise<Cohort> {
  const subjects: Subject[] = []
  for (const subject of description.subjects) subjects.push(await anatomies.subject(subject))
  return {
    table: anatomies.table,
    spacing: anatomies.spacing,
    subjects,
    // Keep only one: at full size a prior takes as much memory as fourteen scans.
    prior: keepingLast((name: string) => makePrior(description.priors[name]!, anatomies)),
    training: keepingLast((count: number) => anatomies.training(description.training ?? [], count)),
  }
}

function keepingLast<Key, Made>(make: (key: Key) => Promise<Made>): (key: Key) => Promise<Made> {
  let last: { readonly key: Key; readonly made: Promise<Made> } | undefined
  return (key) => {
    if (last?.key !== key) last = { key, made: make(key) }
    return last.made
  }
}

/** The mean of blurred label maps. */
async function makePrior({ maps, blur, floor = 0 }: PriorDescription, anatomies: Anatomies): Promise<Prior> {
  const { shape, spacing, table } = anatomies
  const classes = table.classes.length
  const data = new Float32Array(classes * shape[0] * shape[1] * shape[2])
  for (const map of maps) {
    const one = priorFromLabels(await anatomies.labels(map), shape, classes, { sigma: blur / spacing })
    for (let i = 0; i < data.length; i++) data[i]! += one[i]! / maps.length
  }
  return { data: floor > 0 ? floorPrior(data, classes, floor) : data, classes, shape }
}
