/**
 * Sums over the neighbours of each voxel:
 *
 *   S_i(c) = sum_{j in N_i} pi_j(c)
 *
 * N_i is the k x k x k cube of offsets around voxel i without the centre. Edges are replicated: a neighbour's
 * coordinates are clamped to the volume, so a voxel near an edge counts some neighbours, itself included, several
 * times.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { softmax } from './softmax.js'
import { UserError } from '../../errors.js'
import { at, volumeShape, zeros, type NdArray } from './nd-array.js'

/** S, [N, C, D, H, W]. k is odd. */
export function forward(pi: NdArray, k: number): NdArray {
  const sums = zeros(pi.shape)
  forEachNeighbour(pi, k, (i, j) => (sums.data[i]! += pi.data[j]!))
  return sums
}

/** The adjoint: each voxel gathers from the voxels that count it, as often as they count it. */
export function backward(gradOutput: NdArray, k: number): { gradPi: NdArray } {
  const gradPi = zeros(gradOutput.shape)
  forEachNeighbour(gradOutput, k, (i, j) => (gradPi.data[j]! += gradOutput.data[i]!))
  return { gradPi }
}

/** Visits every voxel i of every channel with each of its k^3 - 1 neighbours j, by offsets. */
export function forEachNeighbour(volume: NdArray, k: number, visit: (i: number, j: number) => void): void {
  if (k % 2 !== 1 || k < 3 || k > 21) {
    throw new UserError(`mrf: the neighbourhood size must be odd, 3 to 21, got ${k}`)
  }
  const [N, C, D, H, W] = volumeShape(volume)
  const radius = (k - 1) / 2
  const clamp = (coordinate: number, size: number) => Math.min(Math.max(coordinate, 0), size - 1)
  // Voxel, then offset, axis by axis.
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let d = 0; d < D; d++)
        for (let dd = -radius; dd <= radius; dd++)
          for (let h = 0; h < H; h++)
            for (let dh = -radius; dh <= radius; dh++) {
              const row = at(volume.shape, n, c, d, h, 0)
              const neighbourRow = at(volume.shape, n, c, clamp(d + dd, D), clamp(h + dh, H), 0)
              for (let w = 0; w < W; w++)
                for (let dw = -radius; dw <= radius; dw++) {
                  if (dd === 0 && dh === 0 && dw === 0) continue
                  visit(row + w, neighbourRow + clamp(w + dw, W))
                }
            }
}

export const gradientCases: GradientCases = (draw) => {
  const pi = softmax(draw([2, 4, 3, 5, 4], -2, 2))
  const sample = (k: number) =>
    gradientCase(
      { pi },
      (v) => forward(v.pi, k),
      (g) => backward(g, k),
    )
  return { 'k = 3': sample(3), 'k = 5': sample(5) }
}
