import { UserError } from '../errors.js'
import {
  affine,
  apply,
  determinant,
  linearPart,
  matrix,
  multiply,
  rotation,
  type Affine,
  type Matrix3,
  type Triple,
} from '../sae/synth/affine.js'
import { thinned, type PlacedImage, type PlacedLabels } from './image.js'
import { maximise, type Differentiable } from './maximise.js'
import { MutualInformation } from './mutual-information.js'
import { mapPoint } from './placed.js'
import { sampleLabels, sampleScan, type Samples } from './samples.js'

/** What a registration by one matrix may change. */
export type LinearKind = 'rigid' | 'affine'

/** What stays in place: a scan with intensities 0..1, or a label map, whose categories need no order. */
export type Fixed =
  | { readonly kind: 'scan'; readonly image: PlacedImage }
  | { readonly kind: 'labels'; readonly image: PlacedLabels }

/** How a moving scan lies to something fixed. */
export interface LinearFit {
  /** From the world of the fixed volume to that of the moving scan, in millimetres. */
  readonly map: Affine
  /** What the two know of each other at voxels of 2 mm, in nats. */
  readonly information: number
}

/** Voxels in millimetres and points of each stage. */
const stages = [
  { size: 8, points: 20_000 },
  { size: 4, points: 60_000 },
  { size: 2, points: 100_000 },
]

/** A unit of a parameter moves points this far from the centre, in millimetres, by one millimetre. */
const radius = 60

/** Two images that share less than this, in nats, are taken for unrelated; outlines alone give up to 0.13, scans 0.4 to 1. */
const leastInformation = 0.15

/** Nodding is what heads differ in most: starts in degrees. */
const nods = [0, -25, 25]

/**
 * Registers a scan to a scan of any contrast, or to a label map: the map with the largest mutual information.
 *
 * Starts from the centres of mass and from the headers, at voxels of 8 mm, and ends at 2 mm.
 *
 * @param moving intensities 0..1
 * @param names of the fixed and the moving file, for messages
 * @throws UserError if the two have nothing in common, or fit only when squeezed flat
 */
export function fitLinear(
  fixed: Fixed,
  moving: PlacedImage,
  kind: LinearKind,
  names: readonly [fixed: string, moving: string],
): LinearFit {
  const [centre, other] = [centreOf(fixed.image, names[0]), centreOf(moving, names[1])]
  const [coarse, ...finer] = measuresOf(fixed, moving)
  const starts = nods.flatMap((degrees) => {
    const turned = rotation([Math.tan((degrees * Math.PI) / 360), 0, 0])
    return [other, centre].map((onto) => new Pose(turned, centre, onto))
  })
  const climbed = starts.map((start) => climb(coarse!.measure, start, 'rigid', coarse!.size))
  let best = climbed.reduce((a, b) => (b.information > a.information ? b : a))
  if (kind === 'affine') best = climb(coarse!.measure, best.pose, kind, coarse!.size)
  for (const { measure, size } of finer) best = climb(measure, best.pose, kind, size)
  const map = best.pose.map
  requireSensible(map, best.information, names)
  return { map, information: best.information }
}

/** The measure of every stage, the coarsest first; each is made of the images of the one after it. */
function measuresOf(fixed: Fixed, moving: PlacedImage): { size: number; measure: MutualInformation }[] {
  let [still, other] = [fixed, moving]
  return stages
    .toReversed()
    .map(({ size, points }) => {
      other = thinned(other, size)
      if (still.kind === 'scan') still = { kind: 'scan', image: thinned(still.image, size) }
      return { size, measure: new MutualInformation(samplesOf(still, points), other) }
    })
    .toReversed()
}

function samplesOf(fixed: Fixed, points: number): Samples {
  return fixed.kind === 'labels' ? sampleLabels(fixed.image, points) : sampleScan(fixed.image, points)
}

/** A map as `onto + linear (x - centre)`. */
class Pose {
  constructor(
    readonly linear: Matrix3,
    readonly centre: Triple,
    readonly onto: Triple,
  ) {}

  get map(): Affine {
    const [x, y, z] = apply(this.linear, this.centre)
    return affine(this.linear, [this.onto[0] - x, this.onto[1] - y, this.onto[2] - z])
  }

  /** @param by millimetres: 3 shifts, then 3 turns or 9 entries of the matrix */
  moved(by: ArrayLike<number>, kind: LinearKind): Pose {
    const [x, y, z] = this.onto
    const onto: Triple = [x + by[0]!, y + by[1]!, z + by[2]!]
    if (kind === 'affine') {
      const linear = matrix((r, c) => this.linear[r][c] + by[3 + 3 * r + c]! / radius)
      return new Pose(linear, this.centre, onto)
    }
    const turn = (i: number): number => by[3 + i]! / (2 * radius)
    return new Pose(multiply(rotation([turn(0), turn(1), turn(2)]), this.linear), this.centre, onto)
  }
}

function climb(
  measure: MutualInformation,
  start: Pose,
  kind: LinearKind,
  size: number,
): { pose: Pose; information: number } {
  const byMap = new Float64Array(12)
  const step = 1e-4
  const f: Differentiable = (x, gradient) => {
    const value = measure.evaluate(start.moved(x, kind).map, byMap)
    const shifted = x.slice()
    for (let i = 0; i < x.length; i++) {
      const ends = [step, -step].map((by) => {
        shifted[i] = x[i]! + by
        return start.moved(shifted, kind).map.flat()
      })
      shifted[i] = x[i]!
      gradient[i] = byMap.reduce(
        (sum, slope, k) => sum + (slope * (ends[0]![k]! - ends[1]![k]!)) / (2 * step),
        0,
      )
    }
    return value
  }
  const parameters = new Float64Array(kind === 'affine' ? 12 : 6)
  const { x, value } = maximise(f, parameters, size / 2, size / 200, 60)
  return { pose: start.moved(x, kind), information: value }
}

/** The centre of mass, in the world. */
function centreOf({ data, shape, toWorld }: PlacedImage | PlacedLabels, name: string): Triple {
  const [D, H, W] = shape
  const weigh = data instanceof Uint8Array ? (value: number): number => Math.min(value, 1) : Number
  let [total, x, y, z] = [0, 0, 0, 0]
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        const weight = weigh(data[i]!)
        total += weight
        x += weight * d
        y += weight * h
        z += weight * w
      }
    }
  }
  if (!(total > 0)) throw new UserError(`${name}: nothing but background; there is nothing to register`)
  return mapPoint(toWorld, [x / total, y / total, z / total])
}

function requireSensible(map: Affine, information: number, [fixed, moving]: readonly [string, string]): void {
  if (information < leastInformation) {
    throw new UserError(
      `${moving} and ${fixed}: no position was found at which one tells anything of the other (mutual information ${information.toFixed(3)}); are they scans of the same part of the body?`,
    )
  }
  const growth = Math.cbrt(determinant(linearPart(map)))
  if (growth > 0.5 && growth < 2) return
  throw new UserError(
    `${moving} and ${fixed}: they fit only if one is made ${growth.toFixed(2)} times as large; check the voxel sizes in their headers`,
  )
}
