import { voxelsOf, type SpatialShape } from '../shape.js'
import type { Affine } from '../synth/affine.js'
import { blur } from '../synth/resample.js'
import { isWithin, smoothingFor } from './voxel-map.js'

/** A value for voxels outside of the field of view, or the nearest voxel of the image. */
export type Outside = number | 'edge'

/**
 * Brings images onto another grid by trilinear interpolation. Within half a voxel of the outermost centres, the outermost
 * voxels are continued. If a step of the map is wider than 1.5 voxels, the image is first smoothed along that axis
 * (`smoothingFor`). A map of whole voxels copies: not a bit changes.
 *
 * @param images [C, D, H, W] of `shape`
 * @param map takes voxels of the new grid to positions in the images (`voxelMap`)
 * @param to extents of the new grid
 * @param outside of a channel. Default 0
 * @returns [C, ...to]
 * @throws Error if the images are not of that shape
 */
export function resampleImages(
  images: Float32Array,
  shape: SpatialShape,
  map: Affine,
  to: SpatialShape,
  outside: (channel: number) => Outside = () => 0,
): Float32Array {
  const [size, wanted] = [voxelsOf(shape), voxelsOf(to)]
  const channels = channelsIn(images, shape)
  const out = new Float32Array(channels * wanted)
  for (let c = 0; c < channels; c++) {
    const image = images.subarray(c * size, (c + 1) * size)
    resampleImage(image, shape, map, to, outside(c), out.subarray(c * wanted, (c + 1) * wanted))
  }
  return out
}

/** As `resampleImages`, one image, into `out`. */
export function resampleImage(
  image: Float32Array,
  shape: SpatialShape,
  map: Affine,
  to: SpatialShape,
  outside: Outside,
  out: Float32Array,
): void {
  const sigma = smoothingFor(map)
  let source = image
  if (sigma.some((s) => s > 0)) {
    source = image.slice()
    blur(source, shape, sigma)
  }
  sample(source, shape, map, to, outside, out)
}

function sample(
  image: Float32Array,
  [D, H, W]: SpatialShape,
  [z, y, x]: Affine,
  [toD, toH, toW]: SpatialShape,
  outside: Outside,
  out: Float32Array,
): void {
  const clamps = outside === 'edge'
  const plane = H * W
  let at = 0
  for (let d = 0; d < toD; d++) {
    for (let h = 0; h < toH; h++) {
      const z0 = z[0] * d + z[1] * h + z[3]
      const y0 = y[0] * d + y[1] * h + y[3]
      const x0 = x[0] * d + x[1] * h + x[3]
      for (let w = 0; w < toW; w++, at++) {
        const pz = z0 + z[2] * w
        const py = y0 + y[2] * w
        const px = x0 + x[2] * w
        if (!clamps && !(isWithin(pz, D) && isWithin(py, H) && isWithin(px, W))) {
          out[at] = outside
          continue
        }
        const cz = clamp(pz, D)
        const cy = clamp(py, H)
        const cx = clamp(px, W)
        const lz = Math.floor(cz)
        const ly = Math.floor(cy)
        const lx = Math.floor(cx)
        const fy = cy - ly
        const fx = cx - lx
        const nextZ = lz + 1 < D ? plane : 0
        const nextY = ly + 1 < H ? W : 0
        const nextX = lx + 1 < W ? 1 : 0
        const i = lz * plane + ly * W + lx
        const k = i + nextZ
        const low = mix(row(image, i, nextX, fx), row(image, i + nextY, nextX, fx), fy)
        const high = mix(row(image, k, nextX, fx), row(image, k + nextY, nextX, fx), fy)
        out[at] = mix(low, high, cz - lz)
      }
    }
  }
}

const mix = (low: number, high: number, fraction: number): number => (1 - fraction) * low + fraction * high

const row = (image: Float32Array, at: number, next: number, fraction: number): number =>
  mix(image[at]!, image[at + next]!, fraction)

const clamp = (position: number, n: number): number => Math.min(Math.max(position, 0), n - 1)

/** How many volumes of that shape there are. @throws Error if they are not whole */
export function channelsIn({ length }: { readonly length: number }, shape: SpatialShape): number {
  const channels = length / voxelsOf(shape)
  if (!Number.isInteger(channels)) throw new Error(`${length} voxels are not volumes of ${shape.join('x')}`)
  return channels
}
