import { foregroundClasses, type LabelTable } from '../../sae/labels/label-table.js'

/**
 * Voxels and share of every class, in columns.
 *
 * @param voxels of each class; sums of probabilities for an atlas
 */
export function formatShares(table: LabelTable, voxels: readonly number[]): string {
  const total = voxels.reduce((a, b) => a + b, 0)
  const rows = table.classes.map(({ name }, c) => [
    name,
    String(Math.round(voxels[c]!)),
    percent(voxels[c]!, total),
  ])
  const [first, second, third] = [0, 1, 2].map((column) =>
    Math.max(...[header, ...rows].map((row) => row[column]!.length)),
  ) as [number, number, number]
  return [header, ...rows]
    .map(
      ([name, count, share]) =>
        `${name!.padEnd(first)}  ${count!.padStart(second)}  ${share!.padStart(third)}`,
    )
    .join('\n')
}

const header = ['class', 'voxels', 'share']

/** `background 77.4 %, cerebral cortex 10.1 %; nothing of amygdala, pallidum` */
export function describeShares(table: LabelTable, voxels: readonly number[]): string {
  const total = voxels.reduce((a, b) => a + b, 0)
  const present = table.classes.flatMap(({ name }, c) =>
    voxels[c]! > 0 ? [`${name} ${percent(voxels[c]!, total)}`] : [],
  )
  const absent = absentClasses(table, voxels, foregroundClasses(table))
  return present.join(', ') + (absent.length > 0 ? `; nothing of ${absent.join(', ')}` : '')
}

/** Names of those classes that have no voxel. */
export function absentClasses(
  { classes }: LabelTable,
  voxels: readonly number[],
  among: readonly number[],
): string[] {
  return among.filter((c) => voxels[c] === 0).map((c) => classes[c]!.name)
}

/** Small classes get two decimals. */
function percent(part: number, total: number): string {
  const share = (100 * part) / total
  if (share > 0 && share < 0.005) return '<0.01 %'
  return `${share.toFixed(share < 1 ? 2 : 1)} %`
}
