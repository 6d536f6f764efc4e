/** How well a group of golden tensors was reproduced. */
export interface GoldenRow {
  readonly group: string
  readonly tensors: number
  /** Worst error of the group; relative unless the unit says otherwise. NaN counts as infinite. */
  readonly worst: number
  readonly tolerance: number
  readonly unit: 'relative' | 'of voxels' | 'absolute'
}

/** A row is right only if its error is a number within the tolerance. */
export function reproduced({ worst, tolerance }: GoldenRow): boolean {
  return worst <= tolerance
}

/** Collects errors under their groups, worst first kept. */
export class GoldenReport {
  private readonly byGroup = new Map<string, GoldenRow>()

  add(group: string, error: number, tolerance: number, unit: GoldenRow['unit'] = 'relative'): void {
    const finite = Number.isFinite(error) ? error : Infinity
    const row = this.byGroup.get(group)
    this.byGroup.set(group, {
      group,
      tensors: (row?.tensors ?? 0) + 1,
      worst: Math.max(row?.worst ?? 0, finite),
      tolerance,
      unit,
    })
  }

  get rows(): GoldenRow[] {
    return [...this.byGroup.values()]
  }
}
