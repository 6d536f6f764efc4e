import type { Assessment } from '../../sae/assessment/assessment.js'
import type { ClassVolume } from '../../sae/assessment/class-volumes.js'
import type { Overlap } from '../../sae/assessment/overlap.js'
import { meanOfKnown } from '../../sae/mean.js'
import { foregroundClasses, type LabelTable } from '../../sae/labels/label-table.js'
import { alignColumns } from '../tables/columns.js'

/** An assessment and whose it is. */
export interface NamedAssessment {
  /** The scan's path. */
  readonly scan: string
  readonly assessment: Assessment
}

/**
 * One row per class: its volume, the volume that the prior expects, and Dice scores, all as means over the scans; then
 * the figures of all classes together.
 *
 * @param voxelVolume in mm^3, undefined if the scans do not say
 */
export function formatAssessments(
  all: readonly NamedAssessment[],
  table: LabelTable,
  voxelVolume: number | undefined,
): string {
  const assessments = all.map(({ assessment }) => assessment)
  const volume = (voxels: number): string =>
    voxelVolume === undefined ? voxels.toFixed(0) : ((voxels * voxelVolume) / 1000).toFixed(1)
  const columns = diceColumns.filter(({ of }) => assessments.some((assessment) => of(assessment)))
  const heading = ['class', voxelVolume === undefined ? 'voxels' : 'ml', 'expected', 'ratio']
  const rows = table.classes.map(({ name }, c) => {
    const each = assessments.map(({ volumes }) => volumes[c]!)
    const average = (of: (volume: (typeof each)[number]) => number | undefined) => meanOfKnown(each.map(of))
    return [
      name + remark(each),
      volume(average(({ voxels }) => voxels)!),
      volume(average(({ expectedVoxels }) => expectedVoxels)!),
      digits(
        average(({ ratio }) => ratio),
        2,
      ),
      ...columns.map(({ of }) => digits(meanOfKnown(assessments.map((one) => of(one)?.perClass[c])), 3)),
    ]
  })
  const means = columns.map(({ of }) => digits(meanOfKnown(assessments.map((one) => of(one)?.mean)), 3))
  const last = [`mean of ${foregroundClasses(table).length} regions`, '', '', '', ...means]
  return [
    alignColumns([[...heading, ...columns.map(({ title }) => title)], ...rows, last]),
    ...totals(assessments),
  ].join('\n')
}

/** ` (vanished)`, with the number of scans unless it is true of all. */
function remark(volumes: readonly ClassVolume[]): string {
  const remarks = (['absent', 'vanished', 'flooded'] as const).flatMap((flag) => {
    const count = volumes.filter((volume) => volume[flag]).length
    return count === 0 ? [] : [count === volumes.length ? flag : `${flag} in ${count}`]
  })
  return remarks.length === 0 ? '' : ` (${remarks.join(', ')})`
}

const diceColumns: readonly {
  readonly title: string
  readonly of: (one: Assessment) => Overlap | undefined
}[] = [
  { title: 'Dice/prior', of: (one) => one.withPrior },
  { title: 'Dice/EM', of: (one) => one.withEm },
  { title: 'Dice/labels', of: (one) => one.withTruth },
  { title: 'prior/labels', of: (one) => one.priorWithTruth },
  { title: 'EM/labels', of: (one) => one.emWithTruth },
]

function totals(all: readonly Assessment[]): string[] {
  const average = (of: (one: Assessment) => number | undefined) => meanOfKnown(all.map(of))
  const percent = (value: number | undefined): string => `${(100 * value!).toFixed(0)} %`
  const errors = [
    ['of the reconstruction', average(({ errors }) => errors.reconstruction)],
    ['of class means', average(({ errors }) => errors.classMeans)],
    ["of class means by the prior's argmax", average(({ errors }) => errors.priorClassMeans)],
    ['by EM', average(({ errors }) => errors.emClassMeans)],
  ] as const
  const known = errors.flatMap(([what, error]) =>
    error === undefined ? [] : [`${error.toPrecision(3)} ${what}`],
  )
  return [
    `foreground called background: ${percent(average((one) => one.calledBackground))} (prior's argmax: ${percent(average((one) => one.priorCalledBackground))})`,
    `cross-entropy to the prior: ${digits(
      average((one) => one.crossEntropy),
      3,
    )} nats per voxel (entropy of the prior ${digits(
      average((one) => one.priorEntropy),
      3,
    )})`,
    `mean squared error: ${known.join(', ')}`,
    `joint cost of scan and segmentation: ${digits(
      average((one) => one.cost.segmentation),
      3,
    )} nats per voxel (prior's argmax ${digits(
      average((one) => one.cost.priorArgmax),
      3,
    )}, EM ${digits(
      average((one) => one.cost.em),
      3,
    )})`,
  ]
}

function digits(value: number | undefined, count: number): string {
  return value === undefined ? '-' : value.toFixed(count)
}
