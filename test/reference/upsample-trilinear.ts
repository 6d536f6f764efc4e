/**
 * Trilinear upsampling by s, the outer faces of both volumes coinciding (align_corners=False): an output position o lies
 * at p = max(0, (o + 1/2) / s - 1/2) of the input along each axis, and is the mean of the voxels floor(p) and
 * floor(p) + 1 (the last one repeated) with the weights 1 - (p - floor(p)) and p - floor(p), axis by axis.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { at, volumeShape, zeros, type NdArray } from './nd-array.js'
import type { Triple } from './conv3d.js'

/** input [N, C, D, H, W] -> [N, C, sD, sH, sW]. */
export function forward(input: NdArray, scale: number | Triple): NdArray {
  const [N, C, D, H, W] = volumeShape(input)
  const s = triple(scale)
  const output = zeros([N, C, s[0] * D, s[1] * H, s[2] * W])
  forEachShare(output, input, s, (o, i, weight) => (output.data[o]! += weight * input.data[i]!))
  return output
}

/** gradOutput [N, C, sD, sH, sW]; each input element gathers from the elements that it has a share of. */
export function backward(gradOutput: NdArray, scale: number | Triple): { gradInput: NdArray } {
  const [N, C, D, H, W] = volumeShape(gradOutput)
  const s = triple(scale)
  const gradInput = zeros([N, C, D / s[0], H / s[1], W / s[2]])
  forEachShare(gradOutput, gradInput, s, (o, i, weight) => {
    gradInput.data[i]! += weight * gradOutput.data[o]!
  })
  return { gradInput }
}

/** Visits every pair of an element of the fine array and one of the eight that it is a mean of, with its weight. */
function forEachShare(
  fine: NdArray,
  coarse: NdArray,
  [sD, sH, sW]: Triple,
  visit: (fine: number, coarse: number, weight: number) => void,
): void {
  const [N, C, D, H, W] = volumeShape(fine)
  const [, , coarseD, coarseH, coarseW] = volumeShape(coarse)
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let d = 0; d < D; d++)
        for (let h = 0; h < H; h++)
          for (let w = 0; w < W; w++)
            for (const z of neighbours(d, sD, coarseD))
              for (const y of neighbours(h, sH, coarseH))
                for (const x of neighbours(w, sW, coarseW)) {
                  const from = at(coarse.shape, n, c, z.position, y.position, x.position)
                  visit(at(fine.shape, n, c, d, h, w), from, z.weight * y.weight * x.weight)
                }
}

/** The two positions of an axis that an upsampled one lies between. */
function neighbours(o: number, scale: number, extent: number) {
  const p = Math.max(0, (o + 0.5) / scale - 0.5)
  const low = Math.floor(p)
  return [
    { position: low, weight: 1 - (p - low) },
    { position: Math.min(low + 1, extent - 1), weight: p - low },
  ]
}

const triple = (value: number | Triple): Triple => (typeof value === 'number' ? [value, value, value] : value)

export const gradientCases: GradientCases = (draw) => {
  const sample = (scale: number | Triple) =>
    gradientCase(
      { input: draw([2, 2, 3, 1, 2]) },
      (v) => forward(v.input, scale),
      (g) => backward(g, scale),
    )
  return { 'by 2': sample(2), 'by another scale': sample([1, 3, 2]) }
}
