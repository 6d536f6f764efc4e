/** The shapes and geometries in which convolutions are tried. */
import type { Activation, Conv3dOptions } from '../../src/ops/index.js'

export interface Case {
  /** [N, Ci, D, H, W]. */
  readonly input: readonly number[]
  readonly outputs: number
  /** Left out where weights are [Co, Ci]. */
  readonly kernel?: readonly number[]
  readonly bias?: boolean
  readonly activation?: Activation
}

export const same = { padding: 'same' } as const

export const cube = (k: number) => [k, k, k] as const

/**
 * Every width of a small tile (1, 2, 4), full and with a rest; one block of channels, several, with and without a rest;
 * rows that are loaded as vec4s (widths that 4 divides) and rows that are not.
 */
export const cases: Record<string, Case> = {
  '1x1x1, one voxel': { input: [1, 1, 1, 1, 1], outputs: 1, kernel: cube(1), bias: true },
  '1x1x1, 14 -> 14': { input: [2, 14, 3, 5, 7], outputs: 14, kernel: cube(1) },
  '1x1x1 with weights [Co, Ci]': { input: [2, 7, 3, 5, 8], outputs: 5 },
  '1 -> 4': { input: [1, 1, 2, 3, 5], outputs: 4, kernel: cube(3), bias: true },
  'one voxel under 3x3x3': { input: [3, 2, 1, 1, 1], outputs: 2, kernel: cube(3), bias: true },
  'width 1': { input: [2, 2, 5, 3, 1], outputs: 3, kernel: cube(3) },
  'width 2, a rest of channels': { input: [1, 33, 3, 2, 2], outputs: 9, kernel: cube(3), bias: true },
  'width 4': { input: [2, 3, 3, 7, 4], outputs: 9, kernel: cube(3), bias: true },
  'width 13': { input: [1, 3, 7, 11, 13], outputs: 5, kernel: cube(3), bias: true },
  'width 16': { input: [1, 2, 3, 5, 16], outputs: 8, kernel: cube(3), bias: true },
  'width 17': { input: [2, 4, 3, 2, 17], outputs: 3, kernel: cube(3), bias: true },
  'width 20, rest of a tile': { input: [2, 3, 2, 5, 20], outputs: 7, kernel: cube(3), bias: true },
  'depth 1, width 33': { input: [3, 8, 1, 3, 33], outputs: 33, kernel: cube(3), bias: true },
  '14 -> 14': { input: [2, 14, 3, 5, 7], outputs: 14, kernel: cube(3), bias: true },
  '64 -> 16, weights in storage': { input: [1, 64, 2, 3, 5], outputs: 16, kernel: cube(3), bias: true },
  '64 -> 16, vec4 rows': { input: [1, 64, 2, 3, 4], outputs: 16, kernel: cube(3), bias: true },
  'more weights than one row of workgroups': { input: [1, 2100, 1, 1, 1], outputs: 2100 },
  '5x5x5 over less': { input: [2, 5, 2, 3, 5], outputs: 6, kernel: cube(5), bias: true },
  '5x5x5 over less, width 4': { input: [2, 3, 2, 3, 4], outputs: 2, kernel: cube(5), bias: true },
  '5x5x5, width 11': { input: [1, 2, 7, 3, 11], outputs: 8, kernel: cube(5) },
  '7x7x7, width 17': { input: [1, 2, 3, 5, 17], outputs: 7, kernel: cube(7), bias: true },
  '7x7x7, width 12': { input: [2, 2, 3, 5, 12], outputs: 3, kernel: cube(7) },
  '9x9x9, width 13': { input: [1, 1, 5, 3, 13], outputs: 2, kernel: cube(9), bias: true },
  '1x1x11, width 8': { input: [1, 2, 2, 3, 8], outputs: 2, kernel: [1, 1, 11] },
  '1x3x5': { input: [2, 3, 3, 4, 9], outputs: 17, kernel: [1, 3, 5], bias: true },
  '5x3x1': { input: [2, 2, 5, 4, 7], outputs: 2, kernel: [5, 3, 1] },
  '1x13x13, more sums than one invocation holds': { input: [1, 1, 2, 5, 6], outputs: 2, kernel: [1, 13, 13] },
}

export interface GeneralCase extends Omit<Case, 'activation'> {
  readonly options?: Conv3dOptions
}

/** Geometries that the tuned kernels leave to the strided and general ones; blocks of channels with and without a rest. */
export const generalCases: Record<string, GeneralCase> = {
  'valid, one voxel': { input: [1, 1, 1, 1, 1], outputs: 1, kernel: cube(1), bias: true, options: { stride: 2 } },
  'valid': { input: [2, 3, 5, 7, 11], outputs: 5, kernel: cube(3), bias: true },
  'more padding than the kernel reaches': { input: [2, 2, 3, 2, 5], outputs: 3, kernel: cube(3), options: { padding: 3 } },
  'one voxel, padding only': { input: [2, 2, 1, 1, 1], outputs: 3, kernel: cube(3), bias: true, options: { stride: 2, padding: 1 } },
  'stride 2': { input: [2, 4, 7, 9, 11], outputs: 6, kernel: cube(3), bias: true, options: { stride: 2, padding: 1 } },
  'stride larger than the kernel': { input: [2, 3, 7, 11, 17], outputs: 2, kernel: [1, 2, 2], bias: true, options: { stride: [3, 3, 5] } },
  'weights [Co, Ci], stride 2': { input: [2, 5, 5, 3, 9], outputs: 9, bias: true, options: { stride: 2 } },
  'stride [1, 2, 3]': { input: [1, 2, 5, 7, 13], outputs: 9, kernel: [3, 2, 4], bias: true, options: { stride: [1, 2, 3], padding: [1, 0, 2] } },
  'dilation 2': { input: [2, 3, 8, 7, 9], outputs: 5, kernel: cube(3), bias: true, options: { dilation: 2, padding: 2 } },
  'dilation and stride without a common factor': { input: [2, 3, 9, 8, 17], outputs: 3, kernel: cube(3), bias: true, options: { dilation: [1, 2, 3], stride: [2, 3, 2], padding: [0, 1, 2] } },
  'dilation and stride with one': { input: [1, 3, 9, 11, 19], outputs: 3, kernel: cube(3), options: { dilation: 2, stride: [2, 4, 2], padding: [1, 2, 2] } },
  'even kernel, same': { input: [2, 3, 5, 4, 7], outputs: 4, kernel: [2, 4, 6], bias: true, options: same },
  'dilated, same': { input: [2, 3, 5, 4, 7], outputs: 4, kernel: [3, 2, 1], bias: true, options: { ...same, dilation: [2, 3, 2] } },
  'dilated, same, rows of whole vec4s': { input: [2, 3, 5, 6, 20], outputs: 5, kernel: cube(3), bias: true, options: { ...same, dilation: [2, 3, 4] } },
  'dilated by more than a tile, no bias': { input: [1, 2, 9, 3, 24], outputs: 15, kernel: cube(3), options: { ...same, dilation: [4, 2, 8] } },
  'dilated by more than the volume': { input: [1, 2, 3, 4, 5], outputs: 2, kernel: cube(3), bias: true, options: { ...same, dilation: 7 } },
  'dilated, a wide kernel, sigmoid': { input: [1, 2, 3, 7, 16], outputs: 3, kernel: [1, 3, 5], options: { ...same, dilation: [1, 1, 3], activation: 'sigmoid' } },
  'two groups': { input: [2, 4, 5, 6, 7], outputs: 6, kernel: cube(3), bias: true, options: { groups: 2, padding: 1 } },
  'groups with a rest of a block': { input: [1, 6, 3, 5, 7], outputs: 33, kernel: [1, 3, 3], bias: true, options: { groups: 3, ...same } },
  'depthwise': { input: [2, 6, 5, 6, 7], outputs: 6, kernel: cube(3), bias: true, options: { groups: 6, padding: 1 } },
  'depthwise, three outputs each, stride 2': { input: [2, 5, 4, 3, 7], outputs: 15, kernel: cube(3), options: { groups: 5, padding: 1, stride: 2 } },
  'many channels of few voxels': { input: [2, 67, 3, 2, 3], outputs: 37, kernel: cube(3), bias: true, options: { stride: 2, padding: 1 } },
  'rows of many bricks': { input: [1, 1, 2, 67, 71], outputs: 2, kernel: cube(3), bias: true, options: { padding: 1, dilation: [1, 1, 2] } },
  'sigmoid': { input: [2, 3, 5, 6, 7], outputs: 5, kernel: cube(3), bias: true, options: { stride: 2, activation: 'sigmoid' } },
} // prettier-ignore

/** Every stride up to 3 with every kernel up to 4, over prime extents, and rows of whole vec4s before and after. */
export const strides = [1, 2, 3].flatMap((stride) =>
  [1, 2, 3, 4].map((kernel) => ({ stride, kernel, padding: Math.floor(kernel / 2) })),
)

/** Strided geometries: several blocks of channels, large tiles, rows of whole vec4s. The extents are the coarse volume's. */
export const stridedCases = [
  { coarse: [2, 3, 5, 8], channels: [5, 9], kernel: 2, stride: 2, padding: 0 },
  { coarse: [2, 3, 2, 12], channels: [4, 17], kernel: 3, stride: 2, padding: 1 },
  { coarse: [1, 2, 3, 8], channels: [2, 33], kernel: 4, stride: 2, padding: 1 },
  { coarse: [1, 3, 2, 8], channels: [6, 5], kernel: 3, stride: 3, padding: 0 },
  { coarse: [1, 3, 2, 4], channels: [3, 7], kernel: 4, stride: 4, padding: 0 },
  { coarse: [1, 32, 33, 36], channels: [1, 2], kernel: 3, stride: 2, padding: 1 },
  { coarse: [1, 41, 41, 41], channels: [2, 1], kernel: 2, stride: 2, padding: 0 },
] as const
