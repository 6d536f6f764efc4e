import { joinChannels, splitChannels } from '../../src/sae/channels.js'
import type { LabelTable } from '../../src/sae/labels/label-table.js'
import { floorPrior, priorFromLabels } from '../../src/sae/prior/prior-from-labels.js'
import type { Prior } from '../../src/sae/prior/prior.js'
import type { Contrast } from '../../src/sae/synth/intensities.js'
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
  /** The same with these contrasts alone, as channels in this order; caches all. Default: all contrasts. */
  readonly showing: (contrasts?: readonly Contrast[]) => Cohort
}

/** Makes a cohort. @throws UserError if an anatomy does not exist */
export async function makeCohort(description: CohortDescription, anatomies: Anatomies): Promise<Cohort> {
  const subjects: Subject[] = []
  for (const subject of description.subjects) subjects.push(await anatomies.subject(subject))
  const views = new Map<string, Cohort>()
  const cohort: Cohort = {
    table: anatomies.table,
    spacing: anatomies.spacing,
    subjects,
    // Keep only one: at full size a prior takes as much memory as fourteen scans.
    prior: keepingLast((name: string) => makePrior(description.priors[name]!, anatomies)),
    training: keepingLast((count: number) => anatomies.training(description.training ?? [], count)),
    showing: (contrasts) => {
      if (!contrasts) return cohort
      const key = contrasts.join()
      const view = views.get(key) ?? showing(cohort, contrasts, anatomies)
      views.set(key, view)
      return view
    },
  }
  return cohort
}

function showing(
  cohort: Cohort,
  contrasts: readonly Contrast[],
  { contrasts: all, shape }: Anatomies,
): Cohort {
  const shown = (subject: Subject): Subject => {
    const channels = splitChannels(subject.data, shape)
    return { ...subject, data: joinChannels(contrasts.map((contrast) => channels[all.indexOf(contrast)]!)) }
  }
  const training = async (count: number): Promise<Subject[]> => (await cohort.training(count)).map(shown)
  return { ...cohort, subjects: cohort.subjects.map(shown), training }
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
