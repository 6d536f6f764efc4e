/**
 * The Markov random field prior (docs/equations.md, rows "L_mrf" and "M").
 *
 *   S_i(c')  = sum_{j in N_i} pi_j(c')                     neighbour-sums.ts
 *   m_i(c)   = sum_c' log M(c, c') S_i(c')                 mrfMessage
 *   L_mrf    = - sum_i sum_c pi_i(c) m_i(c)                mrfEnergy
 *
 * pi is [N, C, D, H, W], log M is [C, C].
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { softmax } from './softmax.js'
import { forEachVoxel, map, scalar, zeros, type NdArray } from './nd-array.js'
import * as neighbours from './neighbour-sums.js'
import { forEachNeighbour } from './neighbour-sums.js'

const TINY = 1e-12

/** m, [N, C, D, H, W]. */
export function mrfMessage(pi: NdArray, logTable: NdArray, k: number): NdArray {
  return timesTable(neighbours.forward(pi, k), (c, other) => logTable.data[c * pi.shape[1]! + other]!)
}

/** gradOutput is the gradient with respect to m. The table is a constant. */
export function mrfMessageBackward(gradOutput: NdArray, logTable: NdArray, k: number): { gradPi: NdArray } {
  const transposed = (c: number, other: number) => logTable.data[other * gradOutput.shape[1]! + c]!
  return neighbours.backward(timesTable(gradOutput, transposed), k)
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

export const gradientCases: GradientCases = (draw) => {
  const logTable = map(draw([4, 4], 0.01, 1), Math.log) // not symmetric
  const pi = softmax(draw([2, 4, 3, 5, 4], -2, 2))
  const message = (k: number) =>
    gradientCase(
      { pi },
      (v) => mrfMessage(v.pi, logTable, k),
      (g) => mrfMessageBackward(g, logTable, k),
    )
  const energy = (k: number) =>
    gradientCase(
      { pi },
      (v) => mrfEnergy(v.pi, logTable, k),
      (g) => mrfEnergyBackward(g, pi, logTable, k),
    )
  return {
    'message, k = 3': message(3),
    'message, k = 5': message(5),
    'energy, k = 3': energy(3),
    'energy, k = 5': energy(5),
  }
}
