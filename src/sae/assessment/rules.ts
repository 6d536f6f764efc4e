import { foregroundClasses, type LabelTable } from '../labels/label-table.js'
import type { Reorientation } from './alignment.js'
import type { ClassVolume } from './class-volumes.js'
import type { Figures } from './figures.js'

/** The possible verdicts, worst last. */
export type Grade = 'sound' | 'doubtful' | 'collapsed'

/** One thing that is wrong. */
interface Finding {
  readonly grade: Exclude<Grade, 'sound'>
  readonly reason: string
  readonly advice: readonly string[]
}

type Rule = (figures: Figures, table: LabelTable) => Finding | undefined

const relearn = ['a lower learning rate', 'longer pretraining', 'a start from EM']
const trainLonger = 'longer training'
const sharpen = 'a sharper prior (less blur) or a finer grid'
const widen = 'a wider prior (more blur), which leaves more for the scan to decide'
const realign = 'scan and prior on one grid, with axes in the same order and direction'
const recheck = 'a check that prior, weights and label table have the same classes'

/** Separate from the others, because no other rule applies to an empty scan. */
export const emptyScan: Rule = ({ foreground }) =>
  finding(
    foreground < 0.01 && 'collapsed',
    `only ${percent(foreground)} of the scan's voxels are not empty`,
    'a look at the intensities of the scan',
  )

/** A prior that does not depend on the voxel has the entropy of its own class shares. */
const flatPrior: Rule = ({ volumes, priorEntropy }) => {
  const masses = volumes.map(({ expectedVoxels }) => expectedVoxels)
  const total = masses.reduce((sum, mass) => sum + mass, 0)
  const shares = masses.map((mass) => mass / total).filter((share) => share > 0)
  const most = shares.reduce((sum, share) => sum - share * Math.log(share), 0)
  return finding(
    priorEntropy > 0.95 * most && 'collapsed',
    'the prior is nearly the same at every voxel, so it says nothing about where classes are',
    'another prior',
  )
}

/** The share of the foreground by the prior's argmax that became background. */
const lostForeground: Rule = ({ calledBackground: share, priorCalledBackground: prior }) => {
  const lost = prior < 1 ? (share - prior) / (1 - prior) : 0
  return finding(
    lost > 0.5 || share >= 0.95 ? 'collapsed' : lost > 0.25 && 'doubtful',
    `${percent(share)} of the foreground is called background, ${percent(prior)} by the prior's argmax`,
    ...(prior > 0.8 ? [sharpen] : relearn),
  )
}

const lostClasses: Rule = ({ volumes }, table) => {
  const expected = expectedClasses(volumes, table)
  const lost = expected.filter((c) => volumes[c]!.vanished)
  const inPrior = lost.some((c) => !volumes[c]!.priorVanished)
  return finding(
    lost.length > 0 && (3 * lost.length >= expected.length ? 'collapsed' : 'doubtful'),
    `${lost.length} of ${expected.length} classes vanished${inPrior ? '' : ", as in the prior's argmax"}: ${names(lost, table)}`,
    ...(inPrior ? relearn : [sharpen]),
  )
}

/** Does not apply if the prior's argmax has lost a third of its own classes. */
const disagreement: Rule = ({ volumes, withPrior: { mean } }, table) => {
  if (
    mean === undefined ||
    3 * lostByPrior(volumes, table).length >= expectedClasses(volumes, table).length
  ) {
    return undefined
  }
  return finding(
    mean < 0.1 ? 'collapsed' : mean < 0.2 && 'doubtful',
    `the classes hardly overlap with those of the prior's argmax (mean Dice ${mean.toFixed(3)})`,
    ...relearn,
    recheck,
  )
}

const flooding: Rule = ({ volumes }, table) => {
  const flooded = table.classes.flatMap(({ name }, c) =>
    volumes[c]!.flooded ? [`${name} is ${volumes[c]!.ratio?.toFixed(1) ?? 'many'} times as large`] : [],
  )
  return finding(
    flooded.length > 0 && 'doubtful',
    `${flooded.join(' and ')} as the prior expects`,
    ...relearn,
    recheck,
  )
}

const reoriented: Rule = ({ alignment: { better } }) =>
  better &&
  finding(
    better.error < 0.9 ? 'collapsed' : better.error < 0.93 && 'doubtful',
    `the prior fits the scan better with ${describe(better)} (${percent(1 - better.error)} less error)`,
    realign,
  )

const misplaced: Rule = ({ alignment: { offset = 0, spread = 1 } }) => {
  if (spread > 1.25 || spread < 0.75) {
    // The skull shifts the centre too, so the offset is meaningless.
    const reason = `the scan reaches ${spread.toFixed(2)} times as far as the prior`
    return finding('doubtful', reason, spread > 1 ? 'a skull-stripped scan' : realign)
  }
  return finding(
    offset > 0.3 ? 'collapsed' : offset > 0.15 && 'doubtful',
    `the scan lies ${percent(offset)} of the brain's radius away from the prior`,
    realign,
  )
}

const widePrior: Rule = ({ volumes }, table) => {
  const expected = expectedClasses(volumes, table)
  const lost = lostByPrior(volumes, table)
  return finding(
    expected.length > 0 && 3 * lost.length >= expected.length && 'doubtful',
    `${lost.length} of the ${expected.length} classes that the prior expects are not in its own argmax`,
    sharpen,
  )
}

/** Whether the scan made a difference. If pretraining targets the prior, matching the prior is enough. */
const costly: Rule = ({ cost: { segmentation, priorArgmax, em }, imitatesPrior }) => {
  const gain = priorArgmax - segmentation
  const costs = `(${segmentation.toFixed(3)} nats per voxel, ${priorArgmax.toFixed(3)} by the prior's argmax)`
  if (gain < -0.05 || imitatesPrior) {
    const reason = `scan and prior together are explained worse than by the prior's argmax ${costs}`
    return finding(gain < -0.2 ? 'collapsed' : gain < -0.05 && 'doubtful', reason, ...relearn)
  }
  if (gain < 0.02) {
    const reason = `scan and prior together are explained no better than by the prior's argmax ${costs}`
    return finding('doubtful', reason, trainLonger, widen)
  }
  const possible = priorArgmax - (em ?? priorArgmax)
  return finding(
    possible > 0.1 && gain < 0.2 * possible && 'doubtful',
    `the scan made little difference: in joint cost, ${percent(gain / possible)} of what it makes to EM`,
    ...relearn,
  )
}

const unfittedDecoder: Rule = ({ errors: { reconstruction = 0, classMeans } }) =>
  finding(
    reconstruction > 2 * classMeans && 'doubtful',
    `the decoder's image of the scan (mean squared error ${brief(reconstruction)}) is worse than the means of the classes (${brief(classMeans)})`,
    trainLonger,
    relearn[0]!,
  )

/** All others, roughly by weight. */
export const rules: readonly Rule[] = [
  flatPrior,
  lostForeground,
  lostClasses,
  disagreement,
  costly,
  flooding,
  reoriented,
  misplaced,
  widePrior,
  unfittedDecoder,
]

function finding(
  grade: Finding['grade'] | false,
  reason: string,
  ...advice: readonly string[]
): Finding | undefined {
  return grade ? { grade, reason, advice } : undefined
}

/** The classes that count and that the prior expects. */
function expectedClasses(volumes: readonly ClassVolume[], table: LabelTable): number[] {
  return foregroundClasses(table).filter((c) => volumes[c]!.expected)
}

function lostByPrior(volumes: readonly ClassVolume[], table: LabelTable): number[] {
  return expectedClasses(volumes, table).filter((c) => volumes[c]!.priorVanished)
}

/** The first five. */
function names(classes: readonly number[], table: LabelTable): string {
  const shown = classes.slice(0, 5).map((c) => table.classes[c]!.name)
  return [...shown, ...(classes.length > 5 ? [`${classes.length - 5} more`] : [])].join(', ')
}

/** `axis 2 flipped`, `axes in the order 0 2 1`. */
function describe({ axes, flipped }: Reorientation): string {
  const order = axes.some((from, axis) => from !== axis) ? [`axes in the order ${axes.join(' ')}`] : []
  const backwards = flipped.flatMap((is, axis) => (is ? [`axis ${axis} flipped`] : []))
  return [...order, ...backwards].join(' and ')
}

function percent(share: number): string {
  const value = 100 * share
  return `${value > 0 && value < 1 ? value.toPrecision(1) : value.toFixed(0)} %`
}

function brief(value: number): string {
  return value.toPrecision(3)
}
