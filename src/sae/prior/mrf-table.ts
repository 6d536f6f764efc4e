import { boxShape } from '../../ops/shared/box.js'
import { neighbourhoodRadius } from '../../ops/shared/neighbourhood.js'
import { classesOf, mergedProbabilities, tableOfParts } from './parts.js'
import { priorArgmax, type Prior } from './prior.js'
import { onWholeGrid } from './region.js'
import {
  classBoxes,
  classIndicator,
  filterAxes,
  forEachRow,
  replicateEdge,
  type LineFilter,
} from '../separable-filter.js'
import type { SpatialShape } from '../shape.js'

/**
 * Class adjacency of a label map, docs/equations.md, row "M" before its 1e-12: `M(c, c')` is the share of class c' among the
 * neighbours of class-c voxels in the k*k*k cube without its centre, edges replicated. An absent class gets a uniform
 * row. The cost does not depend on k.
 *
 * @param classes argmax of the prior, one class `0..K-1` per voxel, [D, H, W]
 * @param k side of the cube in voxels, odd, 3..21
 * @returns [K, K], rows sum to 1
 * @throws UserError for any other k
 */
export function mrfTable(classes: Uint8Array, shape: SpatialShape, K: number, k: number): Float64Array {
  const radius = neighbourhoodRadius(k)
  const boxSum = boxFilter(radius)
  const counts = new Float64Array(K * K)
  classBoxes(classes, shape, K, [radius, radius, radius]).forEach((box, neighbour) => {
    if (box === undefined) return
    const inCube = classIndicator(classes, shape, box, neighbour)
    filterAxes(inCube, boxShape(box), radius, replicateEdge, boxSum)
    forEachRow(box, shape, (offset, boxOffset, length) => {
      for (let x = 0; x < length; x++) counts[classes[offset + x]! * K + neighbour]! += inCube[boxOffset + x]!
    })
  })
  for (const c of classes) counts[c * K + c]!-- // the centre is not its own neighbour
  return normaliseRows(counts, K)
}

/** Sums over `2*radius + 1` entries by a running sum; exact, because counts stay far below 2^24. */
function boxFilter(radius: number): LineFilter {
  return (padded, output, stride, count) => {
    const span = 2 * radius * stride
    for (let k = 0; k < stride; k++) {
      let sum = 0
      for (let at = k; at <= k + span; at += stride) sum += padded[at]!
      output[k] = sum
    }
    for (let k = stride; k < count; k++)
      output[k] = output[k - stride]! + padded[k + span]! - padded[k - stride]!
  }
}

function normaliseRows(table: Float64Array, K: number): Float64Array {
  for (let c = 0; c < K; c++) {
    const row = table.subarray(c * K, (c + 1) * K)
    const sum = row.reduce((a, b) => a + b, 0)
    row.forEach((value, j) => (row[j] = sum > 0 ? value / sum : 1 / K))
  }
  return table
}

/**
 * `log M` as L_mrf reads it (docs/equations.md, row "M"): 1e-12 added, rows normalised again, logarithm.
 *
 * @param table M, [K, K], as `mrfTable` makes it
 * @returns [K, K]
 * @throws Error if the table is not square
 */
export function logMrfTable(table: Float64Array): Float32Array {
  return logarithms(table, Math.sqrt(table.length))
}

function logarithms(table: Float64Array, K: number): Float32Array {
  if (!Number.isInteger(K) || K * K !== table.length)
    throw new Error(`MRF table: ${table.length} numbers are not [K, K], K = ${K}`)
  const floored = normaliseRows(
    table.map((share) => share + 1e-12),
    K,
  )
  return Float32Array.from(floored, Math.log)
}

/** Largest pointwise potential: pairs that hardly ever meet are too few to count how rare they are. */
const mostPointwise = 6

/**
 * Pointwise mutual information of neighbours, `log M(c, c') - log P(c')`, clipped to +-6: how much more often c' is
 * found next to c than elsewhere. `log M` alone also counts how frequent c' is, which the prior already includes, and
 * so favours large classes. An absent class has zeros: nothing is known about its neighbours.
 *
 * @param table M, [K, K], as `mrfTable` makes it
 * @param shares P, the share of each class among the voxels that M was counted over, [K]
 * @returns [K, K]
 * @throws Error if the table is not of as many classes as the shares
 */
export function pointwiseMrfTable(table: Float64Array, shares: Float64Array): Float32Array {
  const K = shares.length
  return Float32Array.from(logarithms(table, K), (logM, at) => {
    const [own, neighbour] = [shares[Math.trunc(at / K)]!, shares[at % K]!]
    if (own === 0 || neighbour === 0) return 0
    return Math.min(Math.max(logM - Math.log(neighbour), -mostPointwise), mostPointwise)
  })
}

/** Potentials of the MRF: `conditional` is log M as published, `pointwise` is log M - log P (see `pointwiseMrfTable`). */
export type MrfPotential = 'pointwise' | 'conditional'

/** The potentials of a prior: which classes neighbour each other in its argmax, by default log M of docs/equations.md. [K, K] */
export function mrfTableOf(
  prior: Prior,
  neighbourhood: number,
  potential: MrfPotential = 'conditional',
): Float32Array {
  const { parts, shape, region } = prior
  if (parts) {
    const data = mergedProbabilities(prior.data, parts)
    const merged = { data, classes: classesOf(parts), shape, ...(region ? { region } : {}) }
    return tableOfParts(mrfTableOf(merged, neighbourhood, potential), parts)
  }
  const { data, classes: K } = prior
  const classes = onWholeGrid(priorArgmax(data, K), prior)
  const table = mrfTable(classes, shape, K, neighbourhood)
  if (potential === 'conditional') return logMrfTable(table)
  const shares = new Float64Array(K)
  for (const c of classes) shares[c]! += 1 / classes.length
  return pointwiseMrfTable(table, shares)
}
