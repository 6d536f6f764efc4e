import { reaches, resampleImages, resampleLabels, UserError, voxelMap } from 'sae-webgpu'
import {
  alignTo,
  fitOf,
  formatShape,
  orientationOnto,
  reorientGrid,
  voxelSize,
  type Grid,
  type LabelVolume,
  type Volume,
  type VolumeHeader,
} from 'sae-webgpu/io'

/** How the voxels of a file come onto a grid: one by one, perhaps in another order, or interpolated. */
type Way = 'voxel by voxel' | 'resampled'

/**
 * Compares a file with the grid that the run works on, by the headers.
 *
 * @throws UserError if it cannot be brought there
 */
export function wayOnto(file: VolumeHeader, reference: VolumeHeader): Way {
  const [from, onto] = [file.grid, reference.grid]
  if (!from.known || !onto.known) {
    if (formatShape(from.shape) === formatShape(onto.shape)) return 'voxel by voxel'
    const silent = from.known ? reference : file
    throw new UserError(
      `${file.source} has ${formatShape(from.shape)} voxels, ${reference.source} has ${formatShape(onto.shape)}, and ${silent.source} does not say where it lies, so neither can be resampled; convert it to NIfTI`,
    )
  }
  const fit = fitOf(reorientGrid(from, orientationOnto(from, onto)), onto)
  if (fit.kind === 'placed' && fit.coincide) return 'voxel by voxel'
  const map = voxelMap(from.affine, onto.affine, onto.shape)
  if (reaches(map, onto.shape, from.shape)) return 'resampled'
  throw new UserError(
    `${file.source} and ${reference.source} lie apart: by their headers, they have no place in common; register one with the other`,
  )
}

/** A file on that grid, and a remark on how it came there. @throws UserError as `wayOnto` */
export function placedOnto<V extends Volume | LabelVolume>(
  file: V,
  reference: VolumeHeader,
  what: string,
): { readonly volume: V; readonly remark: string | undefined; readonly way: Way } {
  if (wayOnto(file, reference) === 'voxel by voxel') {
    return { ...alignTo(file, reference, what), way: 'voxel by voxel' }
  }
  const { grid } = reference
  const map = voxelMap(file.grid.affine, grid.affine, grid.shape)
  const data =
    file.data instanceof Float64Array
      ? resampleLabels(file.data, file.grid.shape, map, grid.shape)
      : resampleImages(file.data, file.grid.shape, map, grid.shape)
  const remark = `${file.source} (${describeGrid(file.grid)}): resampled onto the grid of ${reference.source} (${describeGrid(grid)})`
  return { volume: { ...file, data, grid }, remark, way: 'resampled' }
}

function describeGrid({ shape, affine }: Grid): string {
  const size = voxelSize(affine).map((length) => String(Number(length.toPrecision(3))))
  return `${formatShape(shape)} voxels of ${new Set(size).size === 1 ? size[0]! : size.join('x')} mm`
}
