import { existsSync } from 'node:fs'
import { UserError } from '../../errors.js'
import { readLabelVolume, readText, readVolume, readVolumeHeader } from '../../io/files.js'
import { formatShape, requireFinite, type Grid, type VolumeHeader } from '../../io/volume.js'
import { labelVoxelType } from '../../io/voxel-type.js'
import { Pullback, type Transform } from '../../register/pullback.js'
import { voteLabels } from '../../register/votes.js'
import { isCode } from '../../sae/labels/label-table.js'
import { warpImage, warpPrior, type Warp } from '../../sae/synth/warp.js'
import { isPosterior } from '../grids/regrid.js'
import { besideVolume, distinctNames } from '../outputs/file-names.js'
import { writeOutput, writeOutputVolume } from '../outputs/output-files.js'
import { toPlaced } from './registration.js'
import { isRegistration } from './transform-files.js'

/** A file that a transform carries along, and where it goes. */
export interface Carried {
  readonly from: string
  readonly to: string
  /** Tables beside it that go along, as they are. */
  readonly tables: readonly { readonly from: string; readonly to: string }[]
}

/**
 * The endings of the files beside a volume that say what it holds, and so go where it goes: `.tsv`, `.json`. The record
 * of a registration says where the volume came from, which is not true of another grid.
 *
 * @throws UserError if one cannot be read
 */
export async function tablesBeside(path: string): Promise<string[]> {
  const found: string[] = []
  for (const ending of ['.tsv', '.json']) {
    const table = besideVolume(path, ending)
    if (existsSync(table) && !isRegistration(await readText(table))) found.push(ending)
  }
  return found
}

/**
 * Where each file goes: `OUT_NAME.nii.gz` for `-o OUT.nii.gz`.
 *
 * @throws UserError if two would have one name, or a table cannot be read
 */
export async function planCarried(files: readonly string[], output: string): Promise<Carried[]> {
  const names = distinctNames(files)
  const planned: Carried[] = []
  for (const [i, from] of files.entries()) {
    const stem = besideVolume(output, `_${names[i]!}`)
    const tables = (await tablesBeside(from)).map((ending) => ({
      from: besideVolume(from, ending),
      to: stem + ending,
    }))
    planned.push({ from, to: `${stem}.nii.gz`, tables })
  }
  return planned
}

/** Requires that a file lies where the moving scan does, before anything is computed. @throws UserError */
export async function requireCarriable(
  { from }: Carried,
  moving: Pick<VolumeHeader, 'grid' | 'source'>,
): Promise<void> {
  const header = await readVolumeHeader(from)
  gridOf(header, moving)
}

/** The grid of a file by its header or, if one of the two says nothing of where it lies, that of the moving scan. */
function gridOf({ grid, source }: VolumeHeader, moving: Pick<VolumeHeader, 'grid' | 'source'>): Grid {
  if (grid.known && moving.grid.known) return grid
  const [own, other] = [formatShape(grid.shape), formatShape(moving.grid.shape)]
  if (own === other) return moving.grid
  throw new UserError(
    `${source} is ${own}, ${moving.source} ${other}, and not both say where they lie; give files on the grid of the moving scan`,
  )
}

/**
 * Carries a file onto the fixed grid and writes it: a label map (whole numbers, none below 0) by the vote of the voxels
 * around, a prior (several channels that sum to 1) and any other image by trilinear interpolation, with the background or 0
 * beyond it.
 *
 * @throws UserError if it cannot be read or written
 */
export async function carryFile(
  { from, to, tables }: Carried,
  moving: Pick<VolumeHeader, 'grid' | 'source'>,
  fixed: Grid,
  transform: Transform,
): Promise<void> {
  const header = await readVolumeHeader(from)
  const warp = new Pullback(toPlaced(gridOf(header, moving)), toPlaced(fixed), transform)
  await writeCarried(from, to, fixed, warp)
  for (const table of tables) await writeOutput(table.to, await readText(table.from))
}

async function writeCarried(from: string, to: string, grid: Grid, warp: Warp): Promise<void> {
  const volume = await readVolume(from)
  requireFinite(volume)
  const { channels, description } = volume
  const result = { channels, grid, source: to, ...(description ? { description } : {}) }
  if (isPosterior(volume.data, channels)) {
    await writeOutputVolume(to, { ...result, data: warpPrior(volume.data, warp) }, 'float32')
  } else if (channels === 1 && volume.data.every(isCode)) {
    const labels = voteLabels((await readLabelVolume(from)).data, warp)
    await writeOutputVolume(to, { ...result, data: labels }, labelVoxelType(labels))
  } else {
    await writeOutputVolume(to, { ...result, data: warpImage(volume.data, warp) }, 'float32')
  }
}
