/**
 * Networks from ONNX files, as layers that run and go on training on WebGPU. Runs in browsers and in Node.
 */
export { onnxNetwork, type OnnxNetwork } from './network.js'
