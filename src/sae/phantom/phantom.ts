import { UserError } from '../../errors.js'
import { filterAxes, replicateEdge, type LineFilter } from '../separable-filter.js'
import type { SpatialShape } from '../shape.js'
import { classAt, type Proportions } from './anatomy.js'
import { Random } from './random.js'
import { distanceToZero, smoothField } from './smooth-field.js'

export { phantomTable } from './anatomy.js'

/** Which phantoms `makePhantom` makes. */
export interface PhantomOptions {
  /** Any integer; the same seed gives the same phantoms on every machine. Default 1. */
  readonly seed?: number
  /** D (left-right), H (back to front), W (below to above), in voxels, each at least 16. */
  readonly shape: SpatialShape
  /** How many subjects to scan. Default 4. */
  readonly subjects?: number
  /** How much subjects differ in shape; 0 makes them alike. Default 1. */
  readonly variability?: number
  /** Standard deviation of the scanner's noise; white matter is about 0.75. Default 0.04. */
  readonly noise?: number
}

/** One simulated scan with its true labels. */
export interface PhantomSubject {
  /** Intensities in 0..1, 0 outside the head, [D, H, W]. */
  readonly scan: Float32Array
  /** Classes of `phantomTable`, [D, H, W]. */
  readonly labels: Uint8Array
}

/** What `makePhantom` made. */
export interface Phantom {
  /** The subjects to train on and to score. */
  readonly subjects: PhantomSubject[]
  /** One more subject, whose labels serve as the unpaired prior. */
  readonly unpaired: PhantomSubject
}

/** Mean intensity of each class of `phantomTable`, as in a T1-weighted scan. */
const tissue = [0, 0.46, 0.76, 0.16, 0.63, 0.57, 0.5, 0.68]

/**
 * Brain-like phantoms: the same anatomy for all subjects, each with its own pose, proportions, smooth warp and folds,
 * seen through partial-volume blur, a smooth bias field and noise.
 *
 * @throws UserError for a shape, a number of subjects, a variability or a noise out of range
 */
export function makePhantom({
  seed = 1,
  shape,
  subjects = 4,
  variability = 1,
  noise = 0.04,
}: PhantomOptions): Phantom {
  if (!shape.every((n) => Number.isInteger(n) && n >= 16)) {
    throw new UserError(`phantom of ${shape.join('x')} voxels; every side needs 16 or more`)
  }
  if (!Number.isInteger(subjects) || subjects < 1)
    throw new UserError(`phantom of ${subjects} subjects; give 1 or more`)
  if (!(variability >= 0 && variability <= 2))
    throw new UserError(`phantom variability ${variability}; give 0 to 2`)
  if (!(noise >= 0 && noise <= 1)) throw new UserError(`phantom noise ${noise}; give 0 to 1`)
  const random = new Random(seed)
  const commonFolds = smoothField(random.fork(), shape, foldCells)
  // The unpaired subject comes first: asking for more subjects leaves the others as they were.
  const [unpaired, ...rest] = Array.from({ length: subjects + 1 }, () => {
    const own = random.fork()
    const labels = drawLabels(own.fork(), shape, commonFolds, variability)
    return { labels, scan: drawScan(own.fork(), shape, labels, noise) }
  })
  return { subjects: rest, unpaired: unpaired! }
}

/** Spans of the field whose zeros are the sulci: more of them, more folds. */
const foldCells = 6

function drawLabels(
  random: Random,
  shape: SpatialShape,
  commonFolds: Float32Array,
  variability: number,
): Uint8Array {
  const [D, H, W] = shape
  const factor = (limit: number): number => 1 + random.within(limit * variability)
  const size: Proportions = {
    ribbon: factor(0.15),
    ventricle: factor(0.3),
    thalamus: factor(0.15),
    putamen: factor(0.15),
    cerebellum: factor(0.1),
  }
  const toTemplate = drawPose(random, variability)
  const ownFolds = smoothField(random, shape, foldCells)
  const toFold = distanceToZero(
    commonFolds.map((common, i) => common + 0.7 * variability * ownFolds[i]!),
    shape,
  )
  const warp = [
    smoothField(random, shape, 4),
    smoothField(random, shape, 4),
    smoothField(random, shape, 4),
  ] as const
  const labels = new Uint8Array(D * H * W)
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        const [x, y, z] = toTemplate((2 * d + 1) / D - 1, (2 * h + 1) / H - 1, (2 * w + 1) / W - 1)
        const shift = warpSize * variability
        labels[i] = classAt(
          x + shift * warp[0][i]!,
          y + shift * warp[1][i]!,
          z + shift * warp[2][i]!,
          toFold[i]!,
          size,
        )
      }
    }
  }
  return labels
}

/** Standard deviation of the warp along each axis, if the volume is 2 wide. */
const warpSize = 0.02

/** A random rotation (up to about 5 degrees about each axis), scale and shift, from scanner to template coordinates. */
function drawPose(
  random: Random,
  variability: number,
): (x: number, y: number, z: number) => [number, number, number] {
  const [a, b, c] = [0, 1, 2].map(() => random.within(0.045 * variability)) as [number, number, number]
  const scale = [0, 1, 2].map(() => 1 + random.within(0.04 * variability)) as [number, number, number]
  const shift = [0, 1, 2].map(() => random.within(0.025 * variability)) as [number, number, number]
  const n = 1 + a * a + b * b + c * c // the rotation of the quaternion (1, a, b, c), which needs no sine
  return (px, py, pz) => {
    const [x, y, z] = [px - shift[0], py - shift[1], pz - shift[2]]
    return [
      (((1 + a * a - b * b - c * c) * x + 2 * (a * b - c) * y + 2 * (a * c + b) * z) / n) * scale[0],
      ((2 * (a * b + c) * x + (1 - a * a + b * b - c * c) * y + 2 * (b * c - a) * z) / n) * scale[1],
      ((2 * (a * c - b) * x + 2 * (b * c + a) * y + (1 - a * a - b * b + c * c) * z) / n) * scale[2],
    ]
  }
}

function drawScan(random: Random, shape: SpatialShape, labels: Uint8Array, noise: number): Float32Array {
  const mean = tissue.map((value) => value * (1 + random.within(0.05)))
  const scan = Float32Array.from(labels, (c) => mean[c]!)
  filterAxes(scan, shape, 1, replicateEdge, partialVolume)
  const bias = smoothField(random, shape, 2)
  scan.forEach((signal, i) => {
    const received = signal * (1 + 0.06 * bias[i]!) + noise * random.normal()
    scan[i] = signal < outside ? 0 : Math.min(Math.max(received, 0), 1)
  })
  return scan
}

/** Fainter voxels are cut off with the skull. */
const outside = 0.1

/** Neighbours share a voxel: weights 1/8, 6/8, 1/8. */
const partialVolume: LineFilter = (padded, output, stride, count) => {
  for (let k = 0; k < count; k++) {
    output[k] = 0.125 * padded[k]! + 0.75 * padded[k + stride]! + 0.125 * padded[k + 2 * stride]!
  }
}
