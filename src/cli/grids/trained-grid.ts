import { UserError } from '../../errors.js'
import { readVolumeHeader } from '../../io/files.js'
import { voxelSize, type Grid } from '../../io/volume.js'
import type { Terminal } from '../terminal.js'
import type { WeightsFile } from '../inputs/weights-file.js'

/** The voxels that weights were trained on, as their file keeps them. */
export interface TrainedGrid {
  /** Along D, H, W, in millimetres, after thinning; voxels of unknown size count as 1 mm. */
  readonly voxelSize: readonly number[]
  /** The --every of the training: every n-th voxel of its scans was used. */
  readonly every: number
}

/** Sizes of voxels that differ by less are taken for equal: a network that has seen one segments the other. */
const tolerance = 0.1

/** What a checkpoint's metadata says of the grid, for `writeWeights`. @param scan the grid of a scan's file */
export function trainedGridMetadata(scan: Grid, every: number): Readonly<Record<string, string>> {
  const grid: TrainedGrid = { voxelSize: voxelSize(scan.affine).map((size) => size * every), every }
  return { grid: JSON.stringify(grid) }
}

/** The same, read back; undefined for weights that do not say. @throws UserError if it is damaged */
export function trainedGridOf({ metadata, source }: WeightsFile): TrainedGrid | undefined {
  if (metadata.grid === undefined) return undefined
  const { voxelSize, every } = parseObject(metadata.grid)
  const isSize = (size: unknown): boolean => typeof size === 'number' && size > 0 && size < Infinity
  if (!Array.isArray(voxelSize) || voxelSize.length !== 3 || !voxelSize.every(isSize) || !isEvery(every))
    throw new UserError(`${source}: its metadata does not describe the grid of its training`)
  return { voxelSize: voxelSize as number[], every }
}

function isEvery(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

/**
 * Which voxels to segment if nobody says: those of the training's size, if thinning as in training gives them.
 *
 * @param scan one of the scans, or the prior if they come onto its grid; only the header is read
 * @throws UserError if it cannot be read
 */
export async function everyAsTrained(trained: TrainedGrid | undefined, scan: string): Promise<number> {
  if (!trained || trained.every === 1) return 1
  const { grid } = await readVolumeHeader(scan)
  return isAlike(thinnedSize(grid, trained.every), trained.voxelSize) ? trained.every : 1
}

/** Warns if weights meet voxels of another size than in training. @param scans or the prior if they come onto its grid */
export function warnOfOtherSize(
  trained: TrainedGrid | undefined,
  weights: string,
  every: number,
  scans: readonly { readonly source: string; readonly grid: Grid }[],
  terminal: Terminal,
  what: 'scan' | 'prior' = 'scan',
): void {
  if (!trained) return
  const other = scans.find(({ grid }) => !isAlike(thinnedSize(grid, every), trained.voxelSize))
  if (!other) return
  const thinning = every === 1 ? '' : ` with --every ${every}`
  const better = everyFor(trained, other.grid)
  const remedy = better === undefined ? otherVoxels[what] : `give --every ${better}`
  terminal.warn(
    `${other.source}: its voxels are ${describe(thinnedSize(other.grid, every))}${thinning}, but ${weights} was trained on voxels of ${describe(trained.voxelSize)}; expect a worse segmentation, or ${remedy}`,
  )
}

/** What to do if no --every gives voxels of the training's size. */
const otherVoxels = {
  scan: 'resample the scan (--resample does, given a prior of such voxels), or train on such voxels',
  prior: 'resample the prior (sae resample --spacing)',
}

/** The --every that gives a scan voxels of the training's size, if any does. */
function everyFor({ voxelSize: wanted }: TrainedGrid, grid: Grid): number | undefined {
  const every = Math.max(1, Math.round(Math.max(...wanted) / Math.max(...voxelSize(grid.affine))))
  return isAlike(thinnedSize(grid, every), wanted) ? every : undefined
}

function thinnedSize({ affine }: Grid, every: number): readonly number[] {
  return voxelSize(affine).map((size) => size * every)
}

/** Whether two voxels have one size, whatever the order of their axes. */
function isAlike(a: readonly number[], b: readonly number[]): boolean {
  const sorted = (size: readonly number[]): number[] => size.toSorted((x, y) => x - y)
  const other = sorted(b)
  return sorted(a).every((size, i) => Math.abs(size / other[i]! - 1) <= tolerance)
}

function describe(size: readonly number[]): string {
  return `${size.map((length) => Number(length.toPrecision(3))).join(' x ')} mm`
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}
