import { NIFTI1 } from 'nifti-reader-js'
import { UserError } from '../errors.js'
import { toCOrder } from './axes.js'
import { formatShape, type Grid, type LabelVolume, type NiftiHeaderInfo, type Volume } from './volume.js'
import { requireFits, VOXEL_ARRAYS, type VoxelType } from './voxel-type.js'

const DATATYPES = {
  uint8: NIFTI1.TYPE_UINT8,
  int16: NIFTI1.TYPE_INT16,
  int32: NIFTI1.TYPE_INT32,
  float32: NIFTI1.TYPE_FLOAT32,
  float64: NIFTI1.TYPE_FLOAT64,
} as const
const HEADER_BYTES = 352
/** `descrip` holds 80 bytes and ends with a zero. */
const MAX_DESCRIPTION = 79
/** `dim` holds 16-bit integers. */
const MAX_DIM = 32767

/**
 * Writes a NIfTI-1 single-file image (`.nii`), little-endian; if there are several channels, they are the fourth axis.
 *
 * If the grid came from a NIfTI file, its qform and sform are written back unchanged, with codes, voxel sizes and
 * units; for one that was ignored, the affine that was used. Any other known grid becomes the
 * sform; for an unknown one, both codes are 0 and voxels are 1 mm.
 * @throws UserError if an axis is too long for NIfTI-1 or a value does not fit `type`
 */
export function writeNifti(volume: Volume | LabelVolume, type: VoxelType): Uint8Array {
  const { channels, grid } = volume
  const [D, H, W] = grid.shape
  if (Math.max(channels, D, H, W) > MAX_DIM) {
    throw new UserError(
      `${volume.source}: ${formatShape([D, H, W, channels])} is too large for NIfTI-1, whose axes end at ${MAX_DIM}; write .npz`,
    )
  }
  requireFits(volume.data, type, volume.source)
  const voxelArray = VOXEL_ARRAYS[type]
  const header = placement(grid)
  header.dims = channels > 1 ? [4, D, H, W, channels, 1, 1, 1] : [3, D, H, W, 1, 1, 1, 1]
  header.datatypeCode = DATATYPES[type]
  header.numBitsPerVoxel = 8 * voxelArray.BYTES_PER_ELEMENT
  header.vox_offset = HEADER_BYTES
  header.magic = 'n+1'
  header.littleEndian = true
  header.description = (volume.description ?? '').replace(/[^ -~]/g, '?').slice(0, MAX_DESCRIPTION)

  const count = volume.data.length
  const out = new Uint8Array(HEADER_BYTES + count * voxelArray.BYTES_PER_ELEMENT)
  out.set(new Uint8Array(header.toArrayBuffer()))
  // The file has i = D fastest: the array is read as [C, W, H, D].
  const voxels = new voxelArray(out.buffer, HEADER_BYTES, count)
  toCOrder(volume.data, [channels, W, H, D], [D * H * W, 1, W, H * W], voxels)
  return out
}

/** NIfTI's code of an image of vectors. */
const VECTOR = 1007

/**
 * Marks an image that `writeNifti` made as one of vectors, a component per channel: they move to the fifth axis.
 *
 * @returns the same bytes
 */
export function withVectors(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [rank, fourth, fifth, intent] = [40, 48, 50, 68]
  const channels = view.getInt16(fourth, true)
  view.setInt16(rank, 5, true)
  view.setInt16(fourth, 1, true)
  view.setInt16(fifth, channels, true)
  view.setInt16(intent, VECTOR, true)
  return bytes
}

/** A header with only the position of the grid filled in. */
function placement(grid: Grid): NIFTI1 {
  const header = new NIFTI1()
  const info = grid.header ?? plainHeader(grid)
  header.pixDims = [...info.pixdim]
  header.xyzt_units = info.xyztUnits
  header.qform_code = info.qformCode
  header.sform_code = info.sformCode
  ;[header.quatern_b, header.quatern_c, header.quatern_d] = info.quaternion
  ;[header.qoffset_x, header.qoffset_y, header.qoffset_z] = info.qoffset
  header.affine = info.sform
  return header
}

function plainHeader(grid: Grid): NiftiHeaderInfo {
  const { affine, known } = grid
  const sizes = [0, 1, 2].map((axis) => Math.hypot(affine[0]![axis]!, affine[1]![axis]!, affine[2]![axis]!))
  return {
    pixdim: [1, ...sizes, 1, 1, 1, 1],
    xyztUnits: NIFTI1.UNITS_MM,
    qformCode: 0,
    sformCode: known ? NIFTI1.XFORM_ALIGNED_ANAT : 0,
    quaternion: [0, 0, 0],
    qoffset: [0, 0, 0],
    qform: affine,
    sform: affine,
  }
}
