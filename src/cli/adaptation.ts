import { readVolumeHeader } from '../io/files.js'
import { voxelSize } from '../io/volume.js'
import { overlapOf, type Overlap } from '../sae/assessment/overlap.js'
import { foregroundClasses, type LabelTable } from '../sae/label-table.js'
import { compareMaps } from './commands/evaluate.js'
import type { MadeSegmentation } from './segmentation-files.js'
import { Terminal } from './terminal.js'

/** A scan's segmentation before the adaptation and after it. */
export interface AdaptedScan {
  readonly scan: string
  /** Paths of label maps. */
  readonly before: string
  readonly after: string
  /** The reference label map, if there is one. */
  readonly labels: string | undefined
  /** What was found when they were made; undefined if they were made in an earlier run. */
  readonly madeBefore: MadeSegmentation | undefined
  readonly madeAfter: MadeSegmentation | undefined
}

/** How reference label maps are compared. */
export interface LabelOptions {
  readonly every: number
  readonly matchByIndex: boolean
  readonly resample?: boolean
  readonly volume?: number
}

/** What changed in the segmentation of a scan. */
export interface Change extends AdaptedScan {
  readonly table: LabelTable
  /** Of the segmentations before and after with each other. */
  readonly between: Overlap
  /** Of each with the reference, if there is one. */
  readonly withLabels: { readonly before: Overlap; readonly after: Overlap } | undefined
  /** Of each class; ml, or voxels if the scan does not say how large these are. */
  readonly volumes: { readonly before: readonly number[]; readonly after: readonly number[] }
  readonly unit: 'ml' | 'voxels'
}

/** Compares the segmentations of a scan. @throws UserError if a file cannot be read, or the labels do not fit */
export async function changeOf(adapted: AdaptedScan, options: LabelOptions): Promise<Change> {
  const { before, after, labels } = adapted
  // Both are ours, so nothing about them is news.
  const silent = new Terminal('silent')
  const same = { every: 1, matchByIndex: options.matchByIndex }
  const maps = await compareMaps(before, after, same, silent)
  const { table } = maps
  const withTruth = async (map: string): Promise<Overlap> => {
    const compared = await compareMaps(map, labels!, options, silent)
    return overlapOf(compared.predicted, compared.expected, compared.table)
  }
  const { affine, known } = (await readVolumeHeader(before)).grid
  const size = known ? voxelSize(affine).reduce((product, length) => product * length) / 1000 : 1
  const volumesOf = (classes: Uint8Array): number[] => {
    const counts = table.classes.map(() => 0)
    for (const c of classes) counts[c]!++
    return counts.map((count) => count * size)
  }
  return {
    ...adapted,
    table,
    between: overlapOf(maps.predicted, maps.expected, table),
    withLabels:
      labels === undefined ? undefined : { before: await withTruth(before), after: await withTruth(after) },
    volumes: { before: volumesOf(maps.predicted), after: volumesOf(maps.expected) },
    unit: known ? 'ml' : 'voxels',
  }
}

/** The change of a scan for the terminal: a line, and a row for each region. */
export function formatChange(change: Change): string {
  const { scan, table, between, withLabels, volumes, unit, madeBefore, madeAfter } = change
  const digits = unit === 'ml' ? 2 : 0
  const dice = (value: number | undefined): string => value?.toFixed(4) ?? 'absent'
  const labels = (of: (overlap: Overlap) => number | undefined): string[] =>
    withLabels ? [dice(of(withLabels.before)), dice(of(withLabels.after))] : []
  const scored = foregroundClasses(table)
  const rows = [
    [
      'region',
      `${unit} before`,
      `${unit} after`,
      'Dice of both',
      ...(withLabels ? ['Dice before', 'Dice after'] : []),
    ],
    ...scored.map((c) => [
      table.classes[c]!.name,
      volumes.before[c]!.toFixed(digits),
      volumes.after[c]!.toFixed(digits),
      dice(between.perClass[c]),
      ...labels(({ perClass }) => perClass[c]),
    ]),
    ['mean', '', '', dice(between.mean), ...labels(({ mean }) => mean)],
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  )
  const verdicts = [madeBefore, madeAfter].map((made) => made?.assessment.verdict.grade ?? 'made before')
  const fit = madeAfter?.logLikelihoods
  const gain = fit ? `; log-likelihood per voxel ${fit[0]!.toFixed(4)} -> ${fit.at(-1)!.toFixed(4)}` : ''
  return [`\n${scan}: verdict ${verdicts.join(' -> ')}${gain}`, ...lines].join('\n')
}

/** The changes of all scans as a table, a row for each region of each scan. */
export function changesCsv(changes: readonly Change[]): string {
  const columns = ['scan', 'region', 'unit', 'volume_before', 'volume_after', 'dice_before_after']
  const rows = changes.flatMap(({ scan, table, between, withLabels, volumes, unit }) =>
    foregroundClasses(table).map((c) => [
      ...[scan, table.classes[c]!.name, unit, volumes.before[c], volumes.after[c], between.perClass[c]],
      ...[withLabels?.before.perClass[c], withLabels?.after.perClass[c]],
    ]),
  )
  return [[...columns, 'dice_before', 'dice_after'], ...rows]
    .map((row) => `${row.map((cell) => quote(String(cell ?? ''))).join(',')}\n`)
    .join('')
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
