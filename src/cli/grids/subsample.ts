import type { Grid, LabelVolume, NiftiHeaderInfo, Volume } from '../../io/volume.js'
import { sampledShape } from '../../sae/separable-filter.js'
import { voxelsOf, type SpatialShape } from '../../sae/shape.js'

/**
 * Every n-th voxel of a volume along each axis; the kept voxels stay in place.
 *
 * @param start the first voxel that is kept along each axis
 */
export function subsample<V extends Volume | LabelVolume>(
  volume: V,
  every: number,
  start: SpatialShape = [0, 0, 0],
): V {
  if (every === 1) return volume
  const { channels, data, grid } = volume
  const [D, H, W] = grid.shape
  const kept = sampledGrid(grid, every, start)
  const [d0, h0, w0] = start
  const count = voxelsOf(kept.shape)
  const out = data instanceof Float64Array ? new Float64Array(count) : new Float32Array(channels * count)
  let at = 0
  for (let c = 0; c < channels; c++) {
    for (let d = d0; d < D; d += every) {
      for (let h = h0; h < H; h += every) {
        const row = ((c * D + d) * H + h) * W
        for (let w = w0; w < W; w += every) out[at++] = data[row + w]!
      }
    }
  }
  return { ...volume, data: out, grid: kept }
}

/** The grid of every n-th voxel, from `start` on. */
export function sampledGrid(
  { shape, affine, known, header }: Grid,
  every: number,
  start: SpatialShape = [0, 0, 0],
): Grid {
  const sample = (matrix: readonly (readonly number[])[]): number[][] =>
    matrix.map(([a, b, c, origin]) => [
      a! * every,
      b! * every,
      c! * every,
      origin! + a! * start[0] + b! * start[1] + c! * start[2],
    ])
  const qform = header && sample(header.qform)
  const info: NiftiHeaderInfo | undefined = header && {
    ...header,
    pixdim: header.pixdim.map((size, i) => (i >= 1 && i <= 3 ? size * every : size)),
    qoffset: [qform![0]![3]!, qform![1]![3]!, qform![2]![3]!],
    qform: qform!,
    sform: sample(header.sform),
  }
  return {
    shape: [...sampledShape([shape[0] - start[0], shape[1] - start[1], shape[2] - start[2]], every)],
    affine: sample(affine),
    known,
    ...(info ? { header: info } : {}),
  }
}
