import { ellipsoid, joined, shared, tube, type Bead, type Point } from './solids.js'

const codes = { cortex: 8, whiteMatter: 7, fluid: 24 } as const

const peduncle: readonly Bead[] = [
  [12, -32, -36, 6],
  [22, -50, -38, 5],
]

/** Where the folds of the cerebellum fan out from: y and z. */
const root = [-46, -35] as const
/** Angle between neighbouring folds. */
const pitch = 0.24

/** FreeSurfer's code of a point of the cerebellum; undefined outside. @param point its x counts from the midline outwards */
export function cerebellumAt(point: Point): number | undefined {
  const [x, y, z] = point
  if (tube(point, peduncle) < 0) return codes.whiteMatter
  const lobe = ellipsoid(x - 25, y + 62, z + 38, 28, 26, 20)
  const vermis = ellipsoid(x, y + 62, z + 33, 11, 22, 19)
  const surface = shared(joined(lobe, vermis, 8), z - tent(x, y) + 1, 4)
  if (surface >= 0) return undefined
  const depth = -surface
  const [v, w] = [y - root[0], z - root[1]]
  const radius = Math.hypot(v, w)
  const turn = Math.atan2(w, -v) / pitch + 0.45 * Math.sin(radius / 4 + x / 6) + x / 30
  const toBranch = Math.abs(turn - Math.round(turn)) * pitch * radius
  const toCleft = (0.5 - Math.abs(turn - Math.round(turn))) * pitch * radius
  if (depth < 7 && toCleft < 0.5) return codes.fluid
  const nucleus = ellipsoid(x - 17, y + 56, z + 36, 15, 9, 7)
  return nucleus < 0 || (toBranch < 0.9 && depth > 3.5) ? codes.whiteMatter : codes.cortex
}

/** The roof between the cerebellum and the occipital lobes: its height. */
export function tent(x: number, y: number): number {
  return -7 - 0.24 * x - 0.22 * Math.max(0, -y - 52)
}
