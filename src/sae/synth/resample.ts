import { filterAxis, replicateEdge, type LineFilter } from '../separable-filter.js'
import type { SpatialShape } from '../shape.js'
import { exponential } from './exponential.js'

/** Blurs by a Gaussian, in place, edges replicated; sigma in voxels along D, H, W, below 0.2 of no effect. */
export function blur(image: Float32Array, shape: SpatialShape, sigma: SpatialShape): void {
  for (const axis of [0, 1, 2] as const) {
    if (sigma[axis] < 0.2) continue
    const radius = Math.ceil(3 * sigma[axis])
    filterAxis(image, shape, axis, radius, replicateEdge, gaussian(sigma[axis], radius))
  }
}

function gaussian(sigma: number, radius: number): LineFilter {
  const weights = Float64Array.from({ length: radius + 1 }, (_, t) =>
    exponential((-t * t) / (2 * sigma * sigma)),
  )
  const total = weights.reduce((sum, weight, t) => sum + (t === 0 ? weight : 2 * weight), 0)
  for (let t = 0; t <= radius; t++) weights[t]! /= total
  return (padded, output, stride, count) => {
    for (let k = 0, centre = radius * stride; k < count; k++, centre++) {
      let sum = weights[0]! * padded[centre]!
      for (let t = 1, reach = stride; t <= radius; t++, reach += stride) {
        sum += weights[t]! * (padded[centre - reach]! + padded[centre + reach]!)
      }
      output[k] = sum
    }
  }
}

/** Weights of a linear map from `from` samples along an axis to `to`: sample i takes those from `first[i]` on. */
interface Taps {
  readonly first: Int32Array
  readonly weights: readonly Float64Array[]
}

/**
 * The mean over larger voxels that fill the same extent: what a scanner of a coarser resolution sees.
 *
 * @param coarse voxels along D, H, W, at most those of `shape`
 */
export function average(image: Float32Array, shape: SpatialShape, coarse: SpatialShape): Float32Array {
  return alongAxes(image, shape, coarse, (from, to) => {
    const size = from / to
    const first = new Int32Array(to)
    const weights = Array.from({ length: to }, (_, i) => {
      first[i] = Math.floor(i * size)
      const last = Math.min(Math.ceil((i + 1) * size), from)
      return Float64Array.from({ length: last - first[i] }, (_, t) => {
        const voxel = first[i]! + t
        return (Math.min(voxel + 1, (i + 1) * size) - Math.max(voxel, i * size)) / size
      })
    })
    return { first, weights }
  })
}

/** Back to smaller voxels that fill the same extent, linear between the centres of the larger ones. */
export function interpolate(image: Float32Array, coarse: SpatialShape, shape: SpatialShape): Float32Array {
  return alongAxes(image, coarse, shape, (from, to) => {
    const first = new Int32Array(to)
    const weights = Array.from({ length: to }, (_, i) => {
      const position = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
      first[i] = Math.min(Math.floor(position), Math.max(from - 2, 0))
      const t = position - first[i]
      return from === 1 ? Float64Array.of(1) : Float64Array.of(1 - t, t)
    })
    return { first, weights }
  })
}

/** Maps one axis after the other; those whose length stays are left alone. */
function alongAxes(
  image: Float32Array,
  shape: SpatialShape,
  wanted: SpatialShape,
  tapsFor: (from: number, to: number) => Taps,
): Float32Array {
  let result = image
  let stride = 1
  for (const axis of [2, 1, 0] as const) {
    const [from, to] = [shape[axis], wanted[axis]]
    if (from !== to) result = alongAxis(result, from, to, stride, tapsFor(from, to))
    stride *= to
  }
  return result
}

/** [outer, from, stride] -> [outer, to, stride] */
function alongAxis(
  image: Float32Array,
  from: number,
  to: number,
  stride: number,
  { first, weights }: Taps,
): Float32Array {
  const outer = image.length / (from * stride)
  const result = new Float32Array(outer * to * stride)
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < to; i++) {
      const out = result.subarray((o * to + i) * stride, (o * to + i + 1) * stride)
      weights[i]!.forEach((weight, t) => {
        const at = (o * from + first[i]! + t) * stride
        for (let k = 0; k < stride; k++) out[k]! += weight * image[at + k]!
      })
    }
  }
  return result
}
