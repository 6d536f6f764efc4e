import type { LabelTable } from '../labels/label-table.js'

/** Classes of the phantom; the codes are FreeSurfer's, left and right merged, as in `freeSurferTable`. */
export const phantomTable: LabelTable = {
  classes: [
    { name: 'background', abbreviation: 'bg', codes: [0] },
    { name: 'cerebral cortex', abbreviation: 'ctx', codes: [3, 42] },
    { name: 'cerebral white matter', abbreviation: 'wm', codes: [2, 41] },
    { name: 'lateral ventricle', abbreviation: 'lv', codes: [4, 43] },
    { name: 'thalamus', abbreviation: 'tha', codes: [10, 49] },
    { name: 'putamen', abbreviation: 'put', codes: [12, 51] },
    { name: 'cerebellum', abbreviation: 'cb', codes: [8, 47] },
    { name: 'brain-stem', abbreviation: 'bs', codes: [16] },
  ],
}

const [background, cortex, whiteMatter, ventricle, thalamus, putamen, cerebellum, brainStem] = [
  0, 1, 2, 3, 4, 5, 6, 7,
]

/** What differs between subjects besides pose and warp: factors near 1 on lengths. */
export interface Proportions {
  readonly ribbon: number
  readonly ventricle: number
  readonly thalamus: number
  readonly putamen: number
  readonly cerebellum: number
}

/**
 * Class of a point of the head. Coordinates run from -1 to 1 over the volume: x left-right (0 between the hemispheres),
 * y from back to front, z from below to above. Solids are given by their approximate distances, negative inside.
 *
 * @param toFold distance to the nearest of the sheets that cut into the surface as sulci
 */
export function classAt(x: number, y: number, z: number, toFold: number, size: Proportions): number {
  const side = Math.abs(x) // both hemispheres are alike
  const stem = capsule(x, y, z, 0, -0.08, 0, 0, -0.22, -0.72, 0.15)
  const deep = deepClassAt(side, y, z, size)
  if (deep !== undefined) return deep
  if (stem < 0) return brainStem

  const lobes = Math.max(ellipsoid(x, y, z - 0.18, 0.8, 0.87, 0.66), -0.2 - z)
  const temporal = ellipsoid(side - 0.5, y - 0.12, z + 0.2, 0.29, 0.5, 0.28)
  const cerebrum = Math.min(lobes, temporal)
  if (cerebrum < 0) return cerebralClassAt(side, y, z, -cerebrum, toFold, size.ribbon)

  const s = size.cerebellum
  return ellipsoid(side - 0.27, y + 0.5, z + 0.52, 0.4 * s, 0.37 * s, 0.29 * s) < 0 ? cerebellum : background
}

/** Nuclei and ventricles, which lie within the white matter. */
function deepClassAt(side: number, y: number, z: number, size: Proportions): number | undefined {
  const radius = 0.12 * size.ventricle
  const body = Math.min(
    capsule(side, y, z, 0.13, 0.36, 0.26, 0.13, -0.1, 0.38, radius),
    capsule(side, y, z, 0.13, -0.1, 0.38, 0.28, -0.48, 0.18, radius),
    capsule(side, y, z, 0.28, -0.48, 0.18, 0.42, -0.16, -0.16, 0.6 * radius),
  )
  if (body < 0) return ventricle
  const t = size.thalamus
  if (ellipsoid(side - 0.17, y + 0.16, z - 0.09, 0.15 * t, 0.25 * t, 0.17 * t) < 0) return thalamus
  const p = size.putamen
  // Tilted: the front end lies nearer to the midline.
  if (ellipsoid(side - 0.42 + 0.25 * (y - 0.1), y - 0.1, z - 0.08, 0.125 * p, 0.3 * p, 0.21 * p) < 0)
    return putamen
  return undefined
}

/** The folded ribbon: cortex lines the surface, the cleft between the hemispheres and the sulci. */
function cerebralClassAt(
  side: number,
  y: number,
  z: number,
  depth: number,
  toFold: number,
  ribbon: number,
): number {
  const intoCore = Math.max(0, -ellipsoid(side, y, z - 0.12, 0.64, 0.64, 0.44))
  const cleft = norm(side, intoCore, 0)
  const belowSulci = Math.max(0, depth - 0.26)
  const sulcus = norm(toFold, belowSulci, 0)
  const toSurface = Math.min(depth, cleft, sulcus)
  if (toSurface < 0.02) return background
  return toSurface < 0.115 * ribbon ? cortex : whiteMatter
}

/** Distance to an ellipsoid at the origin with semi-axes a, b, c; exact to first order near its surface. */
function ellipsoid(x: number, y: number, z: number, a: number, b: number, c: number): number {
  const inner = norm(x / a, y / b, z / c)
  const slope = norm(x / (a * a), y / (b * b), z / (c * c))
  return slope === 0 ? -Math.min(a, b, c) : (inner * (inner - 1)) / slope
}

/** `Math.hypot` and `**` may round differently from one JavaScript engine to the next. */
function norm(x: number, y: number, z: number): number {
  return Math.sqrt(x * x + y * y + z * z)
}

/** Distance to the points within `radius` of the segment from (ax, ay, az) to (bx, by, bz). */
function capsule(
  x: number,
  y: number,
  z: number,
  ax: number,
  ay: number,
  az: number,
  bx: number,
  by: number,
  bz: number,
  radius: number,
): number {
  const [ux, uy, uz] = [bx - ax, by - ay, bz - az]
  const along = ((x - ax) * ux + (y - ay) * uy + (z - az) * uz) / (ux * ux + uy * uy + uz * uz)
  const t = Math.min(Math.max(along, 0), 1)
  return norm(x - ax - t * ux, y - ay - t * uy, z - az - t * uz) - radius
}
