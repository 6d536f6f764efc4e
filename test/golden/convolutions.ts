import {
  avgPool3d,
  conv3d,
  convTranspose3d,
  type Conv3dOptions,
  type ConvTranspose3dOptions,
  upsampleTrilinear,
} from '../../src/ops/index.js'
import type { Builder } from './builder.js'

const wanted = ['x', 'w', 'b'] as const

const convolution = (name: RegExp, options: Conv3dOptions): Builder => ({
  name,
  wanted,
  build: ({ x, w, b }) => conv3d(x!, w!, b, options),
})

const transposed = (name: RegExp, options: ConvTranspose3dOptions): Builder => ({
  name,
  wanted,
  build: ({ x, w, b }) => convTranspose3d(x!, w!, b, options),
})

/** Convolutions, pooling and resampling of `ops_general.safetensors`. */
export const convolutions: readonly Builder[] = [
  convolution(/^conv3d_stride2_pad1$/, { stride: 2, padding: 1 }),
  convolution(/^conv3d_dilation2_pad2$/, { dilation: 2, padding: 2 }),
  convolution(/^conv3d_groups2_pad1$/, { groups: 2, padding: 1 }),
  convolution(/^conv3d_depthwise_pad1$/, { groups: 6, padding: 1 }),
  convolution(/^conv3d_k135_pad012$/, { padding: [0, 1, 2] }),
  convolution(/^conv3d_k2_stride2_valid$/, { stride: 2 }),
  convolution(/^conv3d_k5_pad2$/, { padding: 2 }),
  transposed(/^conv_transpose3d_k2_stride2$/, { stride: 2 }),
  transposed(/^conv_transpose3d_k3_stride2_pad1_outpad1$/, { stride: 2, padding: 1, outputPadding: 1 }),
  { name: /^avg_pool3d$/, wanted: ['x'], build: ({ x }) => avgPool3d(x!, { kernelSize: 2 }) },
  { name: /^upsample_trilinear_x2$/, wanted: ['x'], build: ({ x }) => upsampleTrilinear(x!, 2) },
]
