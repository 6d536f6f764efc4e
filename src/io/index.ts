/**
 * `sae-webgpu/io`: files as bytes, for pages, workers and whatever else has no disk: volumes (NIfTI, npz, npy) and
 * weights (safetensors, PyTorch).
 */
export { decodeTensors, decodeVolume, encodeVolume } from './formats.js'
export { gzip } from './gzip.js'
export { writeNifti } from './nifti-write.js'
export { readSafetensors, writeSafetensors, type Tensor, type TensorFile } from './safetensors.js'
export {
  formatShape,
  requireFinite,
  requireSameGrid,
  requireVaries,
  unknownGrid,
  type Grid,
  type NiftiHeaderInfo,
  type Volume,
} from './volume.js'
export { type VoxelType } from './voxel-type.js'
