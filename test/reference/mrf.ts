/**
 * The Markov random field prior (SAE.md, rows "L_mrf" and "M").
 *
 * N_i is the k x k x k cube of offsets about voxel i without the centre offset. Edges are replicated: a neighbour's
 * coordinates are clamped to the volume, so a voxel near an edge meets some neighbours, itself among them, many times.
 *
 *   S_i(c')  = sum_{j in N_i} pi_j(c')                     neighbourSums
 *   m_i(c)   = sum_c' log M(c, c') S_i(c')                 mrfMessage
 *   L_mrf    = - sum_i sum_c pi_i(c) m_i(c)                mrfEnergy
 *
 * pi is [N, C, D, H, W], log M is [C, C].
 */
import { UserError } from '../../src/errors.js'
import { at, forEachVoxel, map, scalar, volumeShape, zeros, type NdArray } from './nd-array.js'

const TINY = 1e-12

/** S, [N, C, D, H, W]. k is odd. */
export function neighbourSums(pi: NdArray, k: number): NdArray {
  const sums = zeros(pi.shape)
  forEachNeighbour(pi, k, (i, j) => (sums.data[i]! += pi.data[j]!))
  return sums
}

/** The adjoint: each voxel gathers from the voxels that count it, as often as they count it. */
export function neighbourSumsBackward(gradOutput: NdArray, k: number): { gradPi: NdArray } {
  const gradPi = zeros(gradOutput.shape)
  forEachNeighbour(gradOutput, k, (i, j) => (gradPi.data[j]! += gradOutput.data[i]!))
  return { gradPi }
}

/** m, [N, C, D, H, W]. */
export function mrfMessage(pi: NdArray, logTable: NdArray, k: number): NdArray {
  return timesTable(neighbourSums(pi, k), (c, other) => logTable.data[c * pi.shape[1]! + other]!)
}

/** gradOutput is the gradient with respect to m. The table is a constant. */
export function mrfMessageBackward(gradOutput: NdArray, logTable: NdArray, k: number): { gradPi: NdArray } {
  const transposed = (c: number, other: number) => logTable.data[other * gradOutput.shape[1]! + c]!
  return neighbourSumsBackward(timesTable(gradOutput, transposed), k)
}

/** L_mrf, [1], summed over the batch too. */
export function mrfEnergy(pi: NdArray, logTable: NdArray, k: number): NdArray {
  const message = mrfMessage(pi, logTable, k)
  return scalar(pi.data.reduce((energy, p, i) => energy - p * message.data[i]!, 0))
}

/** gradOutput [1]. L_mrf is quadratic in pi: one gradient through pi_i, one through its neighbours' message. */
export function mrfEnergyBackward(
  gradOutput: NdArray,
  pi: NdArray,
  logTable: NdArray,
  k: number,
): { gradPi: NdArray } {
  const message = mrfMessage(pi, logTable, k)
  const asNeighbour = mrfMessageBackward(pi, logTable, k).gradPi
  return { gradPi: map(message, (m, i) => -gradOutput.data[0]! * (m + asNeighbour.data[i]!)) }
}

/**
 * The share of class c' among the neighbours of class-c voxels, [K, K], before the 1e-12.
 * classes [D, H, W] holds integers 0..K-1. A class that is absent gets a uniform row.
 */
export function mrfTable(classes: NdArray, K: number, k: number): NdArray {
  const counts = zeros([K, K])
  forEachNeighbour({ ...classes, shape: [1, 1, ...classes.shape] }, k, (i, j) => {
    counts.data[classes.data[i]! * K + classes.data[j]!]! += 1
  })
  return map(counts, (count, i) => {
    const total = rowSum(counts, Math.floor(i / K))
    return total === 0 ? 1 / K : count / total
  })
}

/** log M: the table plus 1e-12, its rows normalised again, then the logarithm. [K, K]. */
export function logMrfTable(table: NdArray): NdArray {
  const raised = map(table, (share) => share + TINY)
  return map(raised, (share, i) => Math.log(share / rowSum(raised, Math.floor(i / table.shape[1]!))))
}

/** log M - log P, P the shares of the classes, clipped to +-6; 0 in the row and column of a class without a share. [K, K]. */
export function pointwiseMrfTable(table: NdArray, shares: readonly number[]): NdArray {
  const K = shares.length
  return map(logMrfTable(table), (logM, i) => {
    const [c, other] = [Math.floor(i / K), i % K]
    if (shares[c] === 0 || shares[other] === 0) return 0
    return Math.max(-6, Math.min(6, logM - Math.log(shares[other]!)))
  })
}

function rowSum({ shape, data }: NdArray, row: number): number {
  return data.subarray(row * shape[1]!, (row + 1) * shape[1]!).reduce((sum, value) => sum + value, 0)
}

/** out_i(c) = sum_c' table(c, c') values_i(c'). */
function timesTable(values: NdArray, table: (c: number, other: number) => number): NdArray {
  const output = zeros(values.shape)
  forEachVoxel(values, (channels) => {
    channels.forEach((offset, c) => {
      output.data[offset] = channels.reduce((sum, o, other) => sum + table(c, other) * values.data[o]!, 0)
    })
  })
  return output
}

/** Visits every voxel i of every channel with each of its k^3 - 1 neighbours j, by offsets. */
function forEachNeighbour(volume: NdArray, k: number, visit: (i: number, j: number) => void): void {
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
