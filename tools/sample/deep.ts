import { ellipsoid, joined, tube, type Bead, type Point } from './solids.js'

/** FreeSurfer's codes of the left side. */
const codes = {
  whiteMatter: 2,
  lateralVentricle: 4,
  thalamus: 10,
  caudate: 11,
  putamen: 12,
  pallidum: 13,
  thirdVentricle: 14,
  fourthVentricle: 15,
  brainStem: 16,
  hippocampus: 17,
  amygdala: 18,
  accumbens: 26,
  ventralDiencephalon: 28,
} as const

const ventricleBody: readonly Bead[] = [
  [11, 28, 6, 2.5],
  [11, 18, 10, 4],
  [9, 2, 19, 4],
  [12, -20, 21, 3.6],
  [20, -36, 17, 5],
  [25, -46, 10, 5.5],
  [24, -62, 7, 2.5],
]
const temporalHorn: readonly Bead[] = [
  [25, -46, 8, 4],
  [32, -32, -5, 2.2],
  [32, -16, -16, 1.8],
]
const caudate: readonly Bead[] = [
  [12, 16, -1, 5],
  [14, 13, 8, 5.5],
  [15, 4, 15, 4],
  [18, -10, 20, 3],
  [22, -26, 20, 2.2],
]
const hippocampus: readonly Bead[] = [
  [22, -12, -20, 5],
  [27, -20, -16, 5],
  [28, -30, -8, 4],
  [24, -38, 0, 3],
]
const medulla: readonly Bead[] = [
  [0, -32, -44, 9],
  [0, -40, -58, 7],
  [0, -44, -76, 6],
]
const midbrain: readonly Bead[] = [
  [5, -18, -8, 8],
  [4, -26, -20, 10],
]

/**
 * Nuclei, ventricles and brain-stem, at about their places in MNI space: FreeSurfer's code of a point, both sides with
 * that of the left; undefined elsewhere.
 *
 * @param point its x counts from the midline outwards
 * @param size of the ventricles, about 1
 */
export function deepCodeAt(point: Point, size: number): number | undefined {
  const [x, y, z] = point
  if (y > 40 || y < -75 || x > 42 || z > 32) return undefined
  const grow = 1.6 * (size - 1)
  const horns = Math.min(tube(point, ventricleBody), tube(point, temporalHorn) + 0.3) - grow
  if (horns < 0) return x < 0.8 ? codes.whiteMatter : codes.lateralVentricle
  if (Math.max(x - 1.6 - grow, ellipsoid(0, y + 12, z + 1, 4, 15, 11)) < 0) return codes.thirdVentricle
  if (tube(point, caudate) < 0) return codes.caudate
  if (ellipsoid(x - 10, y - 11, z + 6, 5, 5, 4) < 0) return codes.accumbens
  const lean = 0.36 * (y - 2)
  if (ellipsoid(x - 20.5 + lean, y + 3, z, 4.5, 10, 6.5) < 0) return codes.pallidum
  if (ellipsoid(x - 27 + lean, y - 1, z - 2, 6, 18, 11) < 0) return codes.putamen
  if (ellipsoid(x - 11 + 0.3 * (y + 18), y + 18, z - 8, 8.5, 15, 9) < 0) return codes.thalamus
  if (ellipsoid(x - 23, y + 4, z + 19, 7, 7.5, 7.5) < 0) return codes.amygdala
  if (tube(point, hippocampus) < 0) return codes.hippocampus
  if (ellipsoid(x, y + 45, z + 33, 5, 4.5, 9) < 0) return codes.fourthVentricle
  const pons = ellipsoid(x, y + 25, z + 33, 17, 13, 14)
  const stem = joined(joined(tube(point, midbrain), pons, 6), tube(point, medulla), 6)
  if (ellipsoid(x - 9, y + 14, z + 7, 8, 9, 6) < 0) return codes.ventralDiencephalon
  return stem < 0 ? codes.brainStem : undefined
}
