import { Random } from '../../src/sae/phantom/random.js'
import { cerebellumAt, tent } from './cerebellum.js'
import { deepCodeAt } from './deep.js'
import { ellipsoid, joined, shared, type Point } from './solids.js'
import { Waves } from './waves.js'

/** FreeSurfer's codes of the left side. */
const codes = {
  fluid: 24,
  whiteMatter: 2,
  cortex: 3,
} as const

/** A person of the family: a brain in millimetres about the anterior commissure, x right, y front, z up. */
export class Brain {
  private readonly own: Waves
  private readonly depths: Waves
  private readonly size: number
  private readonly ribbon: number

  /** @param common folds that all persons of the family share */
  constructor(
    random: Random,
    private readonly common: Waves,
  ) {
    this.own = new Waves(random.fork(), foldWavelength)
    this.depths = new Waves(random.fork(), 45, 12)
    this.size = 1 + random.within(0.25)
    this.ribbon = 3.1 * (1 + random.within(0.08))
  }

  /** FreeSurfer's code at a point, both sides with that of the left; 0 outside. */
  codeAt(point: Point): number {
    const [x, y, z] = point
    const mirrored: Point = [Math.abs(x), y, z]
    const deep = deepCodeAt(mirrored, this.size)
    if (deep !== undefined) return deep
    const surface = hemisphere(mirrored)
    const core = coreOf(mirrored)
    if (core < 0 && surface < 4) return codes.whiteMatter
    if (surface < 0) return this.cerebralCodeAt(point, -surface)
    return cerebellumAt(mirrored) ?? 0
  }

  /** The folded ribbon: cortex lines the surface, the sulci and the lateral fissure. */
  private cerebralCodeAt([x, y, z]: Point, depth: number): number {
    const side = Math.abs(x)
    const fissure = lateralFissure(side, y, z)
    let toSurface = Math.min(depth, fissure)
    let gap = fissure < depth ? 0.7 : 0.2
    if (depth < deepestSulcus + 6) {
      const sulcus = this.sulcus([x, y, z], depth)
      if (sulcus && sulcus.distance < toSurface) {
        toSurface = sulcus.distance
        gap = sulcus.open
      }
    }
    if (toSurface < gap) return codes.fluid
    return toSurface < gap + this.ribbon ? codes.cortex : codes.whiteMatter
  }

  /** Distance to the nearest sulcus, and half its width. Sulci stand upright on the surface, along the zeros of a field. */
  private sulcus(point: Point, depth: number): { distance: number; open: number } | undefined {
    const [x, y, z] = point
    const normal = slopeOf(([a, b, c]) => hemisphere([Math.abs(a), b, c]), point)
    const foot = [x + depth * normal[0], y + depth * normal[1], z + depth * normal[2]] as const
    const bottom = meanSulcus + (deepestSulcus - meanSulcus) * Math.tanh(1.2 * this.depths.at(...foot)[0])
    if (depth > bottom + 2 * this.ribbon) return undefined
    const [common, own] = [this.common.at(...foot), this.own.at(...foot)]
    const field = common.map((value, i) => value + ownShare * own[i]!) as [number, number, number, number]
    const along = field[1] * normal[0] + field[2] * normal[1] + field[3] * normal[2]
    const steepness = Math.sqrt(
      Math.max(field[1] ** 2 + field[2] ** 2 + field[3] ** 2 - along ** 2, 0) + 1e-4,
    )
    const distance = Math.hypot(field[0] / steepness, Math.max(0, depth - bottom))
    return { distance, open: 0.3 + 0.8 * Math.exp(-depth / 3) }
  }
}

/** Twice the distance between neighbouring sulci, in millimetres. */
export const foldWavelength = 20
const ownShare = 0.6
const meanSulcus = 15
const deepestSulcus = 24

/** One cerebral hemisphere, its flat side 0.8 mm from the midline. */
function hemisphere([x, y, z]: Point): number {
  const dome = shared(ellipsoid(x - 23, y + 14, z - 21, 44, 82, 52), -17 - z, 6)
  const occipital = ellipsoid(x - 21, y + 72, z - 7, 28, 31, 30)
  const slant = z + 21 + 0.22 * (y + 14)
  const temporal = ellipsoid(x - 43, y + 16, slant, 23, 44, 20)
  const lobes = joined(joined(dome, occipital, 12), temporal, 5)
  const aboveTent = shared(lobes, tent(x, y) + 1.5 - z, 4)
  return shared(y > -34 ? mixed(lobes, aboveTent, (y + 34) / 14) : aboveTent, 0.8 - x, 3)
}

function mixed(a: number, b: number, share: number): number {
  const t = Math.min(Math.max(share, 0), 1)
  return t * a + (1 - t) * b
}

/** Where the hemispheres are joined: the arch of the corpus callosum and what lies beneath. */
function coreOf([x, y, z]: Point): number {
  return ellipsoid(x, y + 4, z - 5, 26, 38, 23)
}

/** The fissure above the temporal lobe, and the insula at its bottom. */
function lateralFissure(side: number, y: number, z: number): number {
  const wave = 2.5 * Math.sin(y / 8 + side / 11) + 1.5 * Math.sin(side / 5 - y / 13)
  const above = (z + 9 - 0.42 * (14 - y) - wave) / Math.hypot(1, 0.42)
  const ends = Math.hypot(Math.max(0, y - 24), Math.max(0, -44 - y))
  const slit = Math.hypot(above, Math.max(0, 37 - side), ends)
  const insula = Math.hypot(
    side - 37 + wave / 2,
    Math.max(0, Math.abs(above) - 11),
    Math.max(0, Math.abs(y) - 18),
  )
  return Math.min(slit, insula)
}

/** The direction in which a distance grows. */
function slopeOf(distance: (point: Point) => number, [x, y, z]: Point): Point {
  const h = 0.5
  const slope = [
    distance([x + h, y, z]) - distance([x - h, y, z]),
    distance([x, y + h, z]) - distance([x, y - h, z]),
    distance([x, y, z + h]) - distance([x, y, z - h]),
  ] as const
  const length = Math.hypot(...slope) || 1
  return [slope[0] / length, slope[1] / length, slope[2] / length]
}
