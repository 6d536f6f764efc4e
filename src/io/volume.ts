import type { DType, FloatArray } from './dtype.js'
import { UserError } from '../errors.js'

/** Orientation and units of a NIfTI header: enough to write qform and sform back unchanged. */
export interface NiftiHeaderInfo {
  /** `pixdim[0..7]`: qfac, then voxel sizes in millimetres. */
  pixdim: readonly number[]
  /** NIfTI's code for the units of length and time: 2 is millimetres, 10 is millimetres and seconds, 0 is not stated. */
  xyztUnits: number
  /** 0 if the file does not use the qform. */
  qformCode: number
  /** 0 if the file does not use the sform. */
  sformCode: number
  /** `quatern_b, quatern_c, quatern_d`. */
  quaternion: readonly [number, number, number]
  /** `qoffset_x, qoffset_y, qoffset_z`. */
  qoffset: readonly [number, number, number]
  /** 4x4, voxel to world, from the quaternion, offsets and pixdim. */
  qform: number[][]
  /** 4x4, voxel to world, from the `srow` fields. */
  sform: number[][]
}

/** Where the voxels of an array `[D, H, W]` lie in the world. */
export interface Grid {
  /** [D, H, W], in voxels: NIfTI's i, j and k. */
  shape: [number, number, number]
  /** 4x4, `[d, h, w, 1]` to world millimetres, as in nibabel. Only voxel sizes if `known` is false. */
  affine: number[][]
  /** False if the file says nothing about orientation: npz, npy, Analyze, or a NIfTI that uses neither qform nor sform. */
  known: boolean
  /** Present if the grid came from a NIfTI file, or from an Analyze header, whose codes are 0. */
  header?: NiftiHeaderInfo
}

/** What a file says about a volume, without its voxels. */
export interface VolumeHeader {
  /** 1 for scans and label maps, the number of classes for priors. */
  channels: number
  /** Shape and position of the voxels. */
  grid: Grid
  /** The file's name, for messages. */
  source: string
  /** Oddities of the file that do not prevent its use, one line each. */
  warnings?: readonly string[]
  /** NIfTI's `descrip`: free text, up to 79 bytes. */
  description?: string
  /** The type of the voxels in the file; undefined if the file scales what it stores. */
  stored?: DType | undefined
}

/** An image, a label map or a prior, as read from a file. */
export interface Volume extends VolumeHeader {
  /** `[channels, D, H, W]`, C order, W fastest. */
  data: Float32Array
}

/** A volume whose voxels have a given float type. */
export interface FloatVolume<T extends FloatArray> extends VolumeHeader {
  /** `[channels, D, H, W]`, C order, W fastest. */
  data: T
}

/** A label map: integers up to 2^53 are exact. */
export interface LabelVolume extends VolumeHeader {
  /** `[channels, D, H, W]`, C order, W fastest. */
  data: Float64Array
}

/** 64 classes on 256x256x256 voxels; 4 GiB once they are float32. */
const MAX_VALUES = 2 ** 30
/** Longest shape that messages give in full. */
const MAX_AXES_SHOWN = 8

const IDENTITY: readonly (readonly number[])[] = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
]

/** Two placements of a grid differ if a corner moves by more than this, in millimetres. */
export const PLACEMENT_TOLERANCE = 0.01

/** A grid of unknown position: voxels of 1 mm, world axes = array axes. */
export function unknownGrid(shape: readonly [number, number, number]): Grid {
  return { shape: [...shape], affine: IDENTITY.map((row) => [...row]), known: false }
}

/** A shape as text: `160x192x224`; of many axes, only the first. */
export function formatShape(shape: readonly number[]): string {
  if (shape.length <= MAX_AXES_SHOWN) return shape.join('x')
  return `${shape.slice(0, MAX_AXES_SHOWN).join('x')}x... (${shape.length} axes)`
}

/** @throws UserError if a volume of this shape, channels included, is too large to read */
export function requireReadable(shape: readonly number[], source: string): void {
  if (shape.reduce((product, size) => product * size, 1) <= MAX_VALUES) return
  throw new UserError(
    `${source}: an image of ${formatShape(shape)}; at most ${MAX_VALUES} values are supported`,
  )
}

/** The size of a voxel along D, H and W, in millimetres. */
export function voxelSize(affine: readonly (readonly number[])[]): [number, number, number] {
  const along = (axis: number): number => Math.hypot(...[0, 1, 2].map((row) => affine[row]![axis]!))
  return [along(0), along(1), along(2)]
}

/** Whether an affine takes no two voxels to one place, however small they are. */
export function isInvertible(affine: readonly (readonly number[])[]): boolean {
  const [a, b, c] = affine as [number[], number[], number[]]
  const determinant =
    a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) -
    a[1]! * (b[0]! * c[2]! - b[2]! * c[0]!) +
    a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!)
  const volume = voxelSize(affine).reduce((product, size) => product * size, 1)
  return Math.abs(determinant) > 1e-6 * volume && affine.flat().every(Number.isFinite)
}

/** The largest distance between a corner voxel of a `[D, H, W]` grid under two affines, in millimetres. */
export function placementDistance(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
  shape: readonly [number, number, number],
): number {
  let furthest = 0
  for (let corner = 0; corner < 8; corner++) {
    const voxel = [...shape.map((size, axis) => ((corner >> axis) & 1) * (size - 1)), 1]
    const apart = [0, 1, 2].map((row) =>
      voxel.reduce((sum, index, column) => sum + (a[row]![column]! - b[row]![column]!) * index, 0),
    )
    furthest = Math.max(furthest, Math.hypot(...apart))
  }
  return furthest
}

/**
 * Requires two volumes to have the same `[D, H, W]`. Channels may differ.
 *
 * @param what names the two in messages: `the prior and the scan`
 * @returns a warning if both say where they lie but disagree, else undefined
 * @throws UserError if the shapes differ
 */
export function requireSameGrid(a: VolumeHeader, b: VolumeHeader, what: string): string | undefined {
  const [shapeA, shapeB] = [formatShape(a.grid.shape), formatShape(b.grid.shape)]
  if (shapeA !== shapeB) {
    throw new UserError(
      `${what} differ in shape: ${a.source} is ${shapeA}, ${b.source} is ${shapeB}; resample one onto the grid of the other`,
    )
  }
  if (!a.grid.known || !b.grid.known) return undefined
  const distance = placementDistance(a.grid.affine, b.grid.affine, a.grid.shape)
  if (distance <= PLACEMENT_TOLERANCE) return undefined
  return `${what} lie up to ${distance.toFixed(2)} mm apart according to the headers of ${a.source} and ${b.source}; their voxels are matched by index`
}

/** @throws UserError if voxels are NaN or infinite, with their number and the first of them */
export function requireFinite(volume: Volume | LabelVolume): void {
  let first = -1
  let count = 0
  volume.data.forEach((value, index) => {
    if (Number.isFinite(value)) return
    if (count === 0) first = index
    count++
  })
  if (count === 0) return
  const value = volume.data[first]!
  throw new UserError(
    `${volume.source}: ${count} of ${volume.data.length} voxels are NaN or infinite, the first (${value}) at ${formatIndex(volume, first)}; replace them, for instance by 0`,
  )
}

/** @throws UserError if all voxels have the same value: there is nothing to normalise or segment */
export function requireVaries(volume: Volume): void {
  const value = volume.data[0]
  if (volume.data.some((other) => other !== value)) return
  throw new UserError(`${volume.source}: every voxel is ${value ?? 'missing'}; this is not a scan`)
}

function formatIndex(volume: VolumeHeader, flat: number): string {
  const index: number[] = []
  for (const size of volume.grid.shape.toReversed()) {
    index.unshift(flat % size)
    flat = Math.floor(flat / size)
  }
  return volume.channels > 1 ? `channel ${flat}, voxel [${index.join(', ')}]` : `voxel [${index.join(', ')}]`
}
