/** One plane through a volume, as the reader sees it. */
export interface Slice {
  readonly name: string
  readonly width: number
  readonly height: number
  /** Millimetres (or any unit) per pixel along the width and the height. */
  readonly pixelSize: readonly [number, number]
  /** Offset in the volume of each pixel, rows from the top: [height, width]. */
  readonly offsets: Int32Array
}

/** A volume's grid: voxels along D, H, W, and the direction of each axis in the body, such as `RAS` or `LIA`. */
export interface SliceGrid {
  /** Voxels along D, H, W. */
  readonly shape: readonly [number, number, number]
  /** Millimetres from voxel to voxel along D, H, W. */
  readonly spacing: readonly [number, number, number]
  /** Where D, H and W run to, such as `RAS`. */
  readonly orientation: string
}

export type PlaneName = 'sagittal' | 'coronal' | 'axial'

/** The three planes: the direction across each, and the directions to the right and up in its picture. */
const planes = [
  { name: 'sagittal', across: 'R', right: 'A', up: 'S' },
  { name: 'coronal', across: 'A', right: 'R', up: 'S' },
  { name: 'axial', across: 'S', right: 'R', up: 'A' },
] as const

const opposite: Record<string, string> = { R: 'L', A: 'P', S: 'I' }

/**
 * Three orthogonal slices, sagittal, coronal and axial. Each is the one that shows most: it has the largest sum, over
 * classes 1 and up, of the square root of their area, so that many structures win over one large one.
 *
 * The patient's right is on the right; anterior is right or up; superior is up.
 *
 * @param labels one class per voxel, [D, H, W]; without it, the slices are the middle ones
 * @throws RangeError if the orientation does not name one each of R/L, A/P and S/I
 */
export function orthogonalSlices(grid: SliceGrid, labels?: Uint8Array): Slice[] {
  return planes.map(({ name, across }) => {
    const fixed = findAxis(grid, across)
    const depth = labels ? richestIndex(labels, fixed) : Math.floor(fixed.length / 2)
    return sliceAt(grid, name, depth)
  })
}

/**
 * One slice, turned as by `orthogonalSlices`.
 *
 * @param depth which plane of voxels, counted along the axis of the array that it cuts
 * @throws RangeError likewise, or if there is no such plane
 */
export function sliceAt(grid: SliceGrid, plane: PlaneName, depth: number): Slice {
  const { name, across, right, up } = planes.find((one) => one.name === plane)!
  const fixed = findAxis(grid, across)
  if (!(depth >= 0 && depth < fixed.length))
    throw new RangeError(`There is no plane ${depth} of ${fixed.length}.`)
  const [x, y] = [findAxis(grid, right), findAxis(grid, up)]
  const offsets = new Int32Array(x.length * y.length)
  for (let row = 0, i = 0; row < y.length; row++) {
    for (let column = 0; column < x.length; column++, i++) {
      const fromBottom = y.length - 1 - row
      offsets[i] =
        depth * fixed.stride +
        (x.reversed ? x.length - 1 - column : column) * x.stride +
        (y.reversed ? y.length - 1 - fromBottom : fromBottom) * y.stride
    }
  }
  return { name, width: x.length, height: y.length, pixelSize: [x.spacing, y.spacing], offsets }
}

/** The axis of the array, 0 to 2, that a plane cuts. @throws RangeError as `orthogonalSlices` */
export function axisAcross(grid: SliceGrid, plane: PlaneName): 0 | 1 | 2 {
  return findAxis(grid, planes.find(({ name }) => name === plane)!.across).index
}

/** What lies on the left and on the right of a plane's picture: `L` and `R`, or `P` and `A`. */
export function sidesOfPlane(plane: PlaneName): readonly [left: string, right: string] {
  const { right } = planes.find(({ name }) => name === plane)!
  return [opposite[right]!, right]
}

interface Axis {
  /** Of the array. */
  readonly index: 0 | 1 | 2
  readonly length: number
  readonly stride: number
  readonly spacing: number
  /** Whether the axis runs against the given direction. */
  readonly reversed: boolean
}

function findAxis({ shape, spacing, orientation }: SliceGrid, direction: string): Axis {
  const letters = Array.from(orientation)
  const index = letters.findIndex((letter) => letter === direction || letter === opposite[direction])
  if (index === -1 || letters.length !== 3) {
    throw new RangeError(
      `Orientation "${orientation}" must be three letters, one of R/L, one of A/P, one of S/I.`,
    )
  }
  return {
    index: index as 0 | 1 | 2,
    length: shape[index]!,
    stride: shape.slice(index + 1).reduce((product, n) => product * n, 1),
    spacing: spacing[index]!,
    reversed: letters[index] !== direction,
  }
}

function richestIndex(labels: Uint8Array, { length, stride }: Axis): number {
  const areas = new Float64Array(length * 256)
  for (let i = 0; i < labels.length; i++) areas[(Math.floor(i / stride) % length) * 256 + labels[i]!]!++
  const scores = Array.from({ length }, (_, at) =>
    areas.subarray(at * 256 + 1, (at + 1) * 256).reduce((score, area) => score + Math.sqrt(area), 0),
  )
  return scores.indexOf(Math.max(...scores))
}
