/** The windows of pooling operations: window o covers the voxels o stride - padding + t, with 0 <= t < kernel. */
import { at, volumeShape, type NdArray } from './nd-array.js'
import type { Triple } from './conv3d.js'

export interface PoolOptions {
  readonly kernelSize: number | Triple
  /** Default: kernelSize. */
  readonly stride?: number | Triple
  /** Default 0. */
  readonly padding?: number | Triple
}

/** [N, C, D', H', W'] with D' = floor((D + 2 padding - k) / stride) + 1. */
export function pooledShape(input: NdArray, options: PoolOptions): number[] {
  const [N, C, ...extent] = volumeShape(input)
  const { kernel, stride, padding } = resolve(options)
  const pooled = (axis: 0 | 1 | 2) =>
    Math.floor((extent[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1
  return [N, C, pooled(0), pooled(1), pooled(2)]
}

/**
 * Visits the voxels of every window that lie within the input, by the offsets of window and voxel. The voxels of a
 * window come one after the other, in D, H, W order.
 */
export function forEachCovered(
  input: NdArray,
  options: PoolOptions,
  visit: (o: number, i: number) => void,
): void {
  const [N, C, D, H, W] = volumeShape(input)
  const { kernel, stride, padding } = resolve(options)
  const shape = pooledShape(input, options)
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let od = 0; od < shape[2]!; od++)
        for (let oh = 0; oh < shape[3]!; oh++)
          for (let ow = 0; ow < shape[4]!; ow++)
            for (let td = 0; td < kernel[0]; td++)
              for (let th = 0; th < kernel[1]; th++)
                for (let tw = 0; tw < kernel[2]; tw++) {
                  const d = od * stride[0] - padding[0] + td
                  const h = oh * stride[1] - padding[1] + th
                  const w = ow * stride[2] - padding[2] + tw
                  if (d < 0 || d >= D || h < 0 || h >= H || w < 0 || w >= W) continue
                  visit(at(shape, n, c, od, oh, ow), at(input.shape, n, c, d, h, w))
                }
}

function resolve({ kernelSize, stride, padding }: PoolOptions) {
  return { kernel: triple(kernelSize), stride: triple(stride ?? kernelSize), padding: triple(padding ?? 0) }
}

const triple = (value: number | Triple): Triple => (typeof value === 'number' ? [value, value, value] : value)
