/**
 * The parts that need Node: opening a GPU through Dawn, and reading and writing files by path.
 */
export { chooseAdapter, findAdapters, type FoundAdapter } from './adapters.js'
export {
  adapterVariable,
  openAdapter,
  openGpu,
  summarise,
  tilesVariable,
  tilesWanted,
  type OpenGpuOptions,
  type Tiles,
} from './open-gpu.js'
export { readTileCache, removeTileCache, writeTileCache, type TileCache } from './tile-cache.js'
export { debugVariable, traceOf } from './trace.js'
export { waitIdly } from './idle.js'
export {
  type Float32Tensor,
  readLabelVolume,
  type ReadOptions,
  readTensors,
  readVolume,
  readVolumeHeader,
  writeFileAtomic,
  writeTensors,
  writeVolume,
} from '../io/files.js'
export { readTfjsModel } from '../io/tfjs-files.js'
