import { voxelSize, type Grid, type LabelVolume, type Volume } from '../../io/volume.js'
import { resampleImages } from '../../sae/resampling/image.js'
import { resampleLabels } from '../../sae/resampling/labels.js'
import { resamplePosterior } from '../../sae/resampling/posterior.js'
import { reaches, voxelMap } from '../../sae/resampling/voxel-map.js'
import type { Affine } from '../../sae/synth/affine.js'

/** Where the voxels of `onto` lie in `from`, by the affines of both. @throws UserError if that of `from` has no inverse */
export function mapBetween(from: Grid, onto: Grid): Affine {
  return voxelMap(from.affine, onto.affine, onto.shape)
}

/** Whether the fields of view of two grids meet: the centre of a voxel of one lies in the other. */
export function overlap(a: Grid, b: Grid): boolean {
  return reaches(mapBetween(a, b), b.shape, a.shape) || reaches(mapBetween(b, a), a.shape, b.shape)
}

/**
 * A volume on another grid: images by linear interpolation with 0 outside, class probabilities (channels that sum to 1)
 * likewise with the background outside, label maps by the vote of the voxels around (`resampleLabels`).
 *
 * @throws UserError if the affine of its grid has no inverse
 */
export function regrid<V extends Volume | LabelVolume>(volume: V, onto: Grid): V {
  const { data, grid, channels } = volume
  const map = mapBetween(grid, onto)
  return { ...volume, data: resampled(), grid: onto }

  function resampled(): Float32Array | Float64Array {
    if (data instanceof Float64Array) return resampleLabels(data, grid.shape, map, onto.shape)
    if (isPosterior(data, channels)) return resamplePosterior(data, grid.shape, map, onto.shape)
    return resampleImages(data, grid.shape, map, onto.shape)
  }
}

/** Whether channels are class probabilities: several that sum to 1 at every voxel. */
export function isPosterior(data: Float32Array, channels: number): boolean {
  if (channels === 1) return false
  const voxels = data.length / channels
  for (let i = 0; i < voxels; i++) {
    let sum = 0
    for (let c = 0; c < channels; c++) sum += data[c * voxels + i]!
    if (!(Math.abs(sum - 1) <= 1e-3)) return false
  }
  return true
}

/** A grid of other voxels that fills the same field of view, as nearly as whole voxels do, about the same centre. */
export function gridOfSpacing({ shape, affine }: Grid, spacing: readonly [number, number, number]): Grid {
  const size = voxelSize(affine)
  const extent = (axis: 0 | 1 | 2): number =>
    Math.max(1, Math.round((shape[axis] * size[axis]) / spacing[axis]))
  const wanted: Grid['shape'] = [extent(0), extent(1), extent(2)]
  const rows = affine.slice(0, 3).map((row) => {
    const steps = [0, 1, 2].map((axis) => (row[axis]! / size[axis]!) * spacing[axis]!)
    const origin = steps.reduce(
      (sum, step, axis) => sum + (row[axis]! * (shape[axis]! - 1) - step * (wanted[axis]! - 1)) / 2,
      row[3]!,
    )
    return [...steps, origin]
  })
  return { shape: wanted, affine: [...rows, [0, 0, 0, 1]], known: true }
}
