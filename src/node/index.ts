export { chooseAdapter, findAdapters, type FoundAdapter } from './adapters.js'
export { adapterVariable, openAdapter, openGpu, summarise, type OpenGpuOptions } from './open-gpu.js'
export { waitIdly } from './idle.js'
