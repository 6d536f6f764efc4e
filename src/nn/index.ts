export {
  convLayer,
  convTransposeLayer,
  type ConvLayer,
  type ConvLayerOptions,
  type ConvTransposeLayerOptions,
} from './conv-layer.js'
export { decoder, type DecoderOptions } from './decoder.js'
export { dropoutLayer } from './dropout-layer.js'
export {
  filledWith,
  gainOf,
  kaimingNormal,
  kaimingUniform,
  normalWith,
  uniformWithin,
  xavierNormal,
  xavierUniform,
  type Initialiser,
  type KaimingOptions,
} from './initialisers.js'
export { sequential, type Network, type Sequential } from './layer.js'
export { linearLayer } from './linear-layer.js'
export { meshNet, reachOf, type MeshNetLayer } from './meshnet.js'
export { batchNormLayer, groupNormLayer, instanceNormLayer, type BatchNorm } from './norm-layers.js'
export { seededRandom, shuffled } from './random.js'
export { sameConvLayer, type SameConvLayer } from './same-conv-layer.js'
export { inTraining, type TrainingGraph } from './training.js'
export { unet, unetLayers, type Unet, type UnetLayer, type UnetOptions } from './unet.js'
export type { WeightAndBiasOptions } from './weight-and-bias.js'
