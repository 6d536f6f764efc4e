/**
 * Files as bytes: NIfTI, Analyze, MGH, NumPy, safetensors and PyTorch checkpoints in, typed arrays out, and back.
 *
 * Runs in browsers and in Node. To read and write paths, use `readVolume`, `writeVolume`, `readTensors` and
 * `writeTensors` of `sae-webgpu/node`.
 */
export { alignTo, type Aligned } from './align.js'
export type { DType, FloatArray, Floats } from './dtype.js'
export {
  decodeHeader,
  decodeLabels,
  decodeTensors,
  decodeVolume,
  encodeVolume,
  headerBytes,
  type VolumeFormat,
  type WritableFormat,
} from './formats.js'
export { gunzip, gzip, isGzip } from './gzip.js'
export { readMgh, writeMgh } from './mgh.js'
export { readNifti } from './nifti.js'
export { writeNifti } from './nifti-write.js'
export { readNpy, writeNpy, type NpyArray } from './npy.js'
export { readNpz, writeNpz } from './npz.js'
export {
  describeAxes,
  fitOf,
  orientationOnto,
  reorientGrid,
  type Fit,
  type Orientation,
} from './orientation.js'
export { pairOf, type Pair } from './pairs.js'
export {
  readSafetensors,
  writeSafetensors,
  type Tensor,
  type TensorFile,
  type TypedTensor,
} from './safetensors.js'
export {
  decodeTfjsModel,
  describeTfjsModel,
  type TfjsActivation,
  type TfjsDescription,
  type TfjsLayer,
  type TfjsLayerDescription,
} from './tfjs-model.js'
export { readTorchCheckpoint } from './torch-checkpoint.js'
export {
  formatShape,
  requireFinite,
  requireSameGrid,
  requireVaries,
  unknownGrid,
  voxelSize,
  type FloatVolume,
  type Grid,
  type NiftiHeaderInfo,
  type LabelVolume,
  type Volume,
  type VolumeHeader,
} from './volume.js'
export { oneVolume } from './one-volume.js'
export { labelVoxelType, type VoxelType } from './voxel-type.js'
