import { presentScores } from './dice.js'
import type { SpatialShape } from '../shape.js'
import { surfaceDistances } from './surface-distance.js'

/** How well two maps agree on one class. Undefined if that cannot be said. */
export interface RegionScores {
  /** Dice, as by `diceScores`; undefined if neither map has the class. */
  readonly dice: number | undefined
  /** 95 % Hausdorff distance in millimetres; undefined if either map lacks the class, or it was not asked for. */
  readonly hd95: number | undefined
  /** Average symmetric surface distance in millimetres; undefined likewise. */
  readonly assd: number | undefined
  /**
   * Volume similarity 1 - |a - b| / (a + b), in 0..1, of the volumes a and b in the two maps (Taha and Hanbury 2015, BMC
   * Medical Imaging 15:29, without the sign); undefined if neither map has the class.
   */
  readonly vs: number | undefined
  /** In the first map, in mm^3. */
  readonly volume: number
  /** In the second map, in mm^3. */
  readonly reference: number
}

/**
 * The scores of each class of two maps of one grid, in the order of the classes.
 *
 * @param predicted class per voxel, [D, H, W]
 * @param truth the same of the reference
 * @param spacing the size of a voxel along D, H and W in millimetres
 * @param voxelVolume in mm^3
 * @param measured the classes whose surfaces are measured, which takes seconds at full size
 * @throws RangeError if the maps differ in size
 */
export function regionScores(
  predicted: Uint8Array,
  truth: Uint8Array,
  K: number,
  { shape, spacing, voxelVolume }: { shape: SpatialShape; spacing: SpatialShape; voxelVolume: number },
  measured: readonly number[],
): RegionScores[] {
  const dice = presentScores(predicted, truth, K)
  const distances = surfaceDistances(predicted, truth, shape, spacing, measured)
  const [own, reference] = [countsOf(predicted), countsOf(truth)]
  return dice.map((score, c): RegionScores => {
    const [a, b] = [own[c]!, reference[c]!]
    const surfaces = distances[measured.indexOf(c)]
    return {
      dice: score,
      hd95: surfaces?.hd95,
      assd: surfaces?.assd,
      vs: a + b === 0 ? undefined : 1 - Math.abs(a - b) / (a + b),
      volume: a * voxelVolume,
      reference: b * voxelVolume,
    }
  })
}

function countsOf(map: Uint8Array): Float64Array {
  const counts = new Float64Array(256)
  for (const c of map) counts[c]!++
  return counts
}
