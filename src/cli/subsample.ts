import type { Grid, NiftiHeaderInfo, Volume } from '../io/volume.js'
import { sampledShape } from '../sae/separable-filter.js'

/** Every n-th voxel of a volume along each axis, starting with the first; the kept voxels stay in place. */
export function subsample(volume: Volume, every: number): Volume {
  if (every === 1) return volume
  const { channels, data, grid } = volume
  const [D, H, W] = grid.shape
  const shape = sampledShape(grid.shape, every)
  const kept = new Float32Array(channels * shape[0] * shape[1] * shape[2])
  let at = 0
  for (let c = 0; c < channels; c++) {
    for (let d = 0; d < D; d += every) {
      for (let h = 0; h < H; h += every) {
        const row = ((c * D + d) * H + h) * W
        for (let w = 0; w < W; w += every) kept[at++] = data[row + w]!
      }
    }
  }
  return { ...volume, data: kept, grid: sampledGrid(grid, every) }
}

/** The grid of every n-th voxel. */
export function sampledGrid({ shape, affine, known, header }: Grid, every: number): Grid {
  const stretch = (matrix: readonly (readonly number[])[]): number[][] =>
    matrix.map((row) => row.map((value, column) => (column < 3 ? value * every : value)))
  const info: NiftiHeaderInfo | undefined = header && {
    ...header,
    pixdim: header.pixdim.map((size, i) => (i >= 1 && i <= 3 ? size * every : size)),
    qform: stretch(header.qform),
    sform: stretch(header.sform),
  }
  return {
    shape: [...sampledShape(shape, every)],
    affine: stretch(affine),
    known,
    ...(info ? { header: info } : {}),
  }
}
