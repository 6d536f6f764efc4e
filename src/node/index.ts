/**
 * What the library needs of Node: opening a GPU there through Dawn, and files by their paths.
 */
export { chooseAdapter, findAdapters, type FoundAdapter } from './adapters.js'
export { adapterVariable, openAdapter, openGpu, summarise, type OpenGpuOptions } from './open-gpu.js'
export { debugVariable, traceOf } from './trace.js'
export { waitIdly } from './idle.js'
export {
  type Float32Tensor,
  readLabelVolume,
  readTensors,
  readTfjsModel,
  readVolume,
  readVolumeHeader,
  writeFileAtomic,
  writeTensors,
  writeVolume,
} from '../io/files.js'
