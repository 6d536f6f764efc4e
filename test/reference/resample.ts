/**
 * Sampling at an affine map: output voxel o lies at p = M (o, 1) of the input, p counted between the centres of voxels.
 * Outside of [-1/2, n - 1/2] along any axis the output is 0. Within, p is clamped to [0, n - 1] and the output is the mean
 * of the voxels floor(p) and floor(p) + 1 with the weights 1 - (p - floor(p)) and p - floor(p), axis by axis, or the voxel
 * floor(p + 1/2) if the nearest is wanted.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { at, fromArray, volumeShape, zeros, type NdArray } from './nd-array.js'
import type { Triple } from './conv3d.js'

export type Mode = 'trilinear' | 'nearest'

/** What the device adds to half a voxel, for rounding. */
const rounding = 1e-3

/** input [N, C, D, H, W], map [N, 3, 4] -> [N, C, ...extents]. */
export function forward(input: NdArray, map: NdArray, extents: Triple, mode: Mode = 'trilinear'): NdArray {
  const [N, C] = volumeShape(input)
  const output = zeros([N, C, ...extents])
  forEachShare(output, input, map, mode, (o, i, weight) => (output.data[o]! += weight * input.data[i]!))
  return output
}

/** gradOutput [N, C, ...], the extents [D, H, W] of the input; the map has no gradient. */
export function backward(
  gradOutput: NdArray,
  map: NdArray,
  extents: Triple,
  mode: Mode = 'trilinear',
): { gradInput: NdArray } {
  const [N, C] = volumeShape(gradOutput)
  const gradInput = zeros([N, C, ...extents])
  forEachShare(gradOutput, gradInput, map, mode, (o, i, weight) => {
    gradInput.data[i]! += weight * gradOutput.data[o]!
  })
  return { gradInput }
}

/** Visits every pair of an element of the output and one of those that it is a mean of, with its weight. */
function forEachShare(
  output: NdArray,
  input: NdArray,
  map: NdArray,
  mode: Mode,
  visit: (output: number, input: number, weight: number) => void,
): void {
  const [N, C, D, H, W] = volumeShape(output)
  const [, , ...extents] = volumeShape(input)
  for (let n = 0; n < N; n++)
    for (let d = 0; d < D; d++)
      for (let h = 0; h < H; h++)
        for (let w = 0; w < W; w++) {
          const p = [0, 1, 2].map((row) =>
            [d, h, w, 1].reduce((sum, v, column) => sum + map.data[(n * 3 + row) * 4 + column]! * v, 0),
          )
          const reach = 0.5 + rounding
          if (p.some((value, axis) => value < -reach || value > extents[axis]! - 1 + reach)) continue
          const [zs, ys, xs] = p.map((value, axis) => neighbours(value, extents[axis]!, mode))
          for (let c = 0; c < C; c++)
            for (const z of zs!)
              for (const y of ys!)
                for (const x of xs!) {
                  const from = at(input.shape, n, c, z.position, y.position, x.position)
                  visit(at(output.shape, n, c, d, h, w), from, z.weight * y.weight * x.weight)
                }
        }
}

function neighbours(p: number, extent: number, mode: Mode) {
  const clamped = Math.min(Math.max(p, 0), extent - 1)
  if (mode === 'nearest') return [{ position: Math.floor(clamped + 0.5), weight: 1 }]
  const low = Math.floor(clamped)
  return [
    { position: low, weight: 1 - (clamped - low) },
    { position: Math.min(low + 1, extent - 1), weight: clamped - low },
  ]
}

/** Small turns, stretches and shifts: [N, 3, 4]. */
export function mapOf(rows: readonly (readonly number[])[][]): NdArray {
  return fromArray([rows.length, 3, 4], rows.flat(2))
}

export const gradientCases: GradientCases = (draw) => {
  const map = mapOf([
    [
      [0.8, 0.21, -0.1, 0.3],
      [-0.2, 0.9, 0.05, -0.2],
      [0.13, 0, 0.6, 0.4],
    ],
    [
      [0, 0, -1.3, 2.1],
      [0.7, 0, 0, -0.4],
      [0, 1.9, 0, 0.1],
    ],
  ])
  const sample = (mode: Mode) =>
    gradientCase(
      { input: draw([2, 2, 3, 4, 2]) },
      (v) => forward(v.input, map, [4, 2, 3], mode),
      (g) => backward(g, map, [3, 4, 2], mode),
    )
  return { trilinear: sample('trilinear'), nearest: sample('nearest') }
}
