import type { Grid } from '../../io/volume.js'
import type { Assessment } from '../../sae/assessment/assessment.js'
import { sidesOf } from '../../sae/labels/label-sides.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import type { Cell } from './csv.js'
import { voxelVolume } from '../grids/voxel-volume.js'

/** A segmentation whose classes are measured. */
interface Measured {
  /** [D, H, W] */
  readonly classes: Uint8Array
  /** [K, D, H, W], if it is known. */
  readonly posterior: Float32Array | undefined
  /** Label values, [D, H, W], if they tell the sides apart. */
  readonly labels: Float64Array | undefined
}

/**
 * The volume of each class in mm^3, or in voxels if the scan does not say where they lie: by the segmentation; of each
 * side, if the segmentation tells them apart; and by the sum of the posterior, which does not round at the borders.
 */
export function volumeRow(
  { classes, posterior, labels }: Measured,
  table: LabelTable,
  { affine, known }: Grid,
): Record<string, Cell> {
  const K = table.classes.length
  const [size, unit] = known ? [voxelVolume(affine), 'mm3'] : [1, 'voxels']
  const names = columnNames(table)
  const row: Record<string, Cell> = {}
  const put = (name: string, voxels: number): void => {
    row[`${name}_${unit}`] = Number((voxels * size).toPrecision(9))
  }
  const counts = countsOf(classes)
  for (let c = 0; c < K; c++) put(names[c]!, counts.get(c) ?? 0)
  const ofLabels = labels && countsOf(labels)
  for (const [c, entry] of table.classes.entries()) {
    const sides = ofLabels && sidesOf(entry)
    if (!sides) continue
    put(`left_${names[c]!}`, ofLabels.get(sides[0]) ?? 0)
    put(`right_${names[c]!}`, ofLabels.get(sides[1]) ?? 0)
  }
  if (posterior) {
    const voxels = posterior.length / K
    for (let c = 0; c < K; c++) {
      let sum = 0
      for (let i = c * voxels; i < (c + 1) * voxels; i++) sum += posterior[i]!
      put(`${names[c]!}_posterior`, sum)
    }
  }
  return row
}

function countsOf(values: Uint8Array | Float64Array): Map<number, number> {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** `cerebral_cortex`; a name that several classes have is followed by the class. */
function columnNames({ classes }: LabelTable): string[] {
  const names = classes.map(({ name }) => name.trim().replace(/[\s,;"']+/g, '_'))
  return names.map((name, c) => (names.indexOf(name) === names.lastIndexOf(name) ? name : `${name}_${c}`))
}

/**
 * The figures of an assessment; docs/assessment.md says what they are.
 *
 * @param entropy of the posterior, at each voxel, if it is known
 */
export function qualityRow(
  assessment: Assessment,
  table: LabelTable,
  entropy: Float32Array | undefined,
): Record<string, Cell> {
  const { verdict, volumes, errors, cost } = assessment
  const named = (flag: 'vanished' | 'flooded'): string =>
    table.classes
      .filter((_, c) => volumes[c]![flag])
      .map(({ name }) => name)
      .join('; ')
  const figures = {
    dice_with_prior: assessment.withPrior.mean,
    dice_with_em: assessment.withEm?.mean,
    dice_with_labels: assessment.withTruth?.mean,
    prior_dice_with_labels: assessment.priorWithTruth?.mean,
    em_dice_with_labels: assessment.emWithTruth?.mean,
    entropy: entropy && entropy.reduce((sum, value) => sum + value, 0) / entropy.length,
    cross_entropy: assessment.crossEntropy,
    prior_entropy: assessment.priorEntropy,
    mse_reconstruction: errors.reconstruction,
    mse_class_means: errors.classMeans,
    mse_prior_class_means: errors.priorClassMeans,
    mse_em_class_means: errors.emClassMeans,
    foreground: assessment.foreground,
    called_background: assessment.calledBackground,
    prior_called_background: assessment.priorCalledBackground,
    joint_cost: cost.segmentation,
    prior_joint_cost: cost.priorArgmax,
    em_joint_cost: cost.em,
  }
  const rounded = Object.entries(figures).map(([name, value]) => [
    name,
    value === undefined || Number.isNaN(value) ? undefined : Number(value.toPrecision(7)),
  ])
  return {
    verdict: verdict.grade,
    ...(Object.fromEntries(rounded) as Record<string, Cell>),
    vanished: named('vanished'),
    flooded: named('flooded'),
    reasons: verdict.reasons.join('; '),
  }
}
