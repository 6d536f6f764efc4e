export { convLayer, type ConvLayer } from './conv-layer.js'
export { decoder, type DecoderOptions } from './decoder.js'
export { seededRandom, shuffled } from './random.js'
export { unet, type Network, type Unet, type UnetOptions } from './unet.js'
