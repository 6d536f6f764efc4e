import { formatShape, PLACEMENT_TOLERANCE, placementDistance, voxelSize, type Grid } from './volume.js'

type Triple<T> = readonly [T, T, T]

/** A permutation of an array's axes, some of them reversed. */
export interface Orientation {
  /** For each axis of the result, the axis of the original array. */
  readonly axes: readonly [number, number, number]
  /** Whether the result runs backwards along that axis. */
  readonly flips: readonly [boolean, boolean, boolean]
}

const ORDERS: readonly Triple<number>[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
]

/** The orientation that brings the axes of `from` closest to those of `to`; angles may remain. */
export function orientationOnto(from: Grid, to: Grid): Orientation {
  const [own, wanted] = [directions(from), directions(to)]
  const cosine = (axis: number, other: number): number =>
    wanted[axis]!.reduce((sum, value, row) => sum + value * own[other]![row]!, 0)
  const fit = (order: Triple<number>): number =>
    order.reduce((sum, other, axis) => sum + Math.abs(cosine(axis, other)), 0)
  // In a tie, for instance at 45 degrees, the axes keep their order.
  const axes = ORDERS.reduce((best, order) => (fit(order) > fit(best) + 1e-9 ? order : best))
  const flip = (axis: 0 | 1 | 2): boolean => cosine(axis, axes[axis]) < 0
  return { axes, flips: [flip(0), flip(1), flip(2)] }
}

/** Whether text names a side of the head for each axis: `RAS`, `LIA`. */
export function isAxisCode(text: string): boolean {
  return /^[RLAPSI]{3}$/.test(text) && ['RL', 'AP', 'SI'].every((ends) => new RegExp(`[${ends}]`).test(text))
}

/** The orientation in which D, H and W run towards these sides. @param sides an axis code, such as `RAS` */
export function orientationTowards(grid: Grid, sides: string): Orientation {
  const affine = [0, 1, 2].map((row) => [
    ...Array.from(sides, (side) => Number(side === 'RAS'[row]) - Number(side === 'LPI'[row])),
    0,
  ])
  return orientationOnto(grid, { ...grid, affine: [...affine, [0, 0, 0, 1]] })
}

/** Unit vectors along D, H and W in the world. */
function directions({ affine }: Grid): number[][] {
  return [0, 1, 2].map((axis) => {
    const column = [0, 1, 2].map((row) => affine[row]![axis]!)
    const length = Math.hypot(...column)
    return column.map((value) => value / length)
  })
}

/** Whether the orientation changes nothing. */
export function isAsItIs({ axes, flips }: Orientation): boolean {
  return axes.every((axis, i) => axis === i) && !flips.includes(true)
}

/** The orientation that applies `first`, then `second`. */
export function followedBy(first: Orientation, second: Orientation): Orientation {
  const axis = (i: 0 | 1 | 2): number => first.axes[second.axes[i]]!
  const flip = (i: 0 | 1 | 2): boolean => first.flips[second.axes[i]]! !== second.flips[i]
  return { axes: [axis(0), axis(1), axis(2)], flips: [flip(0), flip(1), flip(2)] }
}

/** The orientation that undoes another. */
export function inverseOf({ axes, flips }: Orientation): Orientation {
  const at = (axis: number): number => axes.indexOf(axis)
  return { axes: [at(0), at(1), at(2)], flips: [flips[at(0)]!, flips[at(1)]!, flips[at(2)]!] }
}

/** The grid of a reoriented array: its voxels stay where they were in the world. Drops the NIfTI header. */
export function reorientGrid({ shape, affine, known }: Grid, { axes, flips }: Orientation): Grid {
  const rows = affine.slice(0, 3).map((row) => {
    const steps = axes.map((axis, i) => (flips[i] ? -row[axis]! : row[axis]!))
    const first = axes.reduce(
      (sum, axis, i) => sum + (flips[i] ? row[axis]! * (shape[axis]! - 1) : 0),
      row[3]!,
    )
    return [...steps, first]
  })
  return {
    shape: [shape[axes[0]]!, shape[axes[1]]!, shape[axes[2]]!],
    affine: [...rows, [0, 0, 0, 1]],
    known,
  }
}

/** Reorients an array. @param data `[channels, D, H, W]` of the given shape */
export function reorient<T extends Float32Array | Float64Array | Uint8Array>(
  data: T,
  shape: Grid['shape'],
  { axes, flips }: Orientation,
): T {
  const strides = [shape[1] * shape[2], shape[2], 1]
  const [D, H, W] = [shape[axes[0]]!, shape[axes[1]]!, shape[axes[2]]!]
  const step = (i: 0 | 1 | 2): number => (flips[i] ? -strides[axes[i]]! : strides[axes[i]]!)
  const [sd, sh, sw] = [step(0), step(1), step(2)]
  const voxels = D * H * W
  const first = axes.reduce((sum, axis, i) => sum + (flips[i] ? (shape[axis]! - 1) * strides[axis]! : 0), 0)
  const out = data.slice() as T
  for (let start = 0, at = 0; start < data.length; start += voxels) {
    for (let d = 0; d < D; d++) {
      for (let h = 0; h < H; h++) {
        const row = start + first + d * sd + h * sh
        for (let w = 0; w < W; w++) out[at++] = data[row + w * sw]!
      }
    }
  }
  return out
}

/** The direction of D, H and W in the body, such as `RAS` or `LIA`: one of each pair, however oblique the axes are. */
export function describeAxes(grid: Grid): string {
  const { axes, flips } = orientationTowards(grid, 'RAS')
  return [0, 1, 2]
    .map((axis) => {
      const side = axes.indexOf(axis)
      return (flips[side] ? 'LPI' : 'RAS')[side]!
    })
    .join('')
}

/** How well a grid coincides with another. */
export type Fit =
  /** Their numbers of voxels differ along some axis. */
  | {
      /** They differ in shape. */
      readonly kind: 'shape'
    }
  /** One of them does not say where it lies. */
  | {
      /** Nothing is known of where they lie. */
      readonly kind: 'unknown'
    }
  /** Both say where they lie. */
  | {
      /** They can be compared. */
      readonly kind: 'placed'
      /** The largest distance of a voxel from its counterpart, in millimetres. */
      readonly distance: number
      /** Whether that is only rounding. */
      readonly coincide: boolean
    }

/** Voxels coincide if they are at most this share of their size apart, because headers are rounded. */
const sameVoxel = 0.1

/** Compares two grids voxel by voxel, without reorienting them. */
export function fitOf(grid: Grid, reference: Grid): Fit {
  if (formatShape(grid.shape) !== formatShape(reference.shape)) return { kind: 'shape' }
  if (!grid.known || !reference.known) return { kind: 'unknown' }
  const distance = placementDistance(grid.affine, reference.affine, grid.shape)
  const coincide =
    distance <= Math.max(PLACEMENT_TOLERANCE, sameVoxel * Math.min(...voxelSize(reference.affine)))
  return { kind: 'placed', distance, coincide }
}
