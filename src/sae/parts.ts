import type { GaussianMixture } from './gaussian-mixture.js'
import type { LabelTable } from './label-table.js'
import type { Part, Prior } from './prior.js'

/** The parts that the components of mixtures make, their shares averaged over the mixtures. */
export function partsOf(mixtures: readonly GaussianMixture[]): Part[] {
  return mixtures[0]!.flatMap((components, c) =>
    components.map((_, m) => ({
      class: c,
      share: mixtures.reduce((sum, mixture) => sum + mixture[c]![m]!.weight, 0) / mixtures.length,
    })),
  )
}

/**
 * How many parts each class has, [K]: `several` for the background and the rest, which are no single tissue, 1 for every
 * other class.
 */
export function partCounts({ classes, rest }: LabelTable, several: number): number[] {
  return classes.map((_, c) => (c === 0 || c === rest ? several : 1))
}

/** The number of classes K that the parts make up. */
export function classesOf(parts: readonly Part[]): number {
  return parts.at(-1)!.class + 1
}

/** A mixture with every component a class of its own, [parts][1]: the mixture of a divided prior. */
export function mixtureOfParts(mixture: GaussianMixture): GaussianMixture {
  return mixture.flat().map((component) => [{ ...component, weight: 1 }])
}

/** The least share that a part keeps, so that no class is ruled out where the prior allows it. */
const leastShare = 1e-3

/** Divides the classes of a prior among their parts: the same probabilities, a channel for each part. */
export function divided(prior: Prior, parts: readonly Part[]): Prior {
  const voxels = prior.data.length / prior.classes
  const data = new Float32Array(parts.length * voxels)
  parts.forEach(({ class: c, share }, part) => {
    const factor = Math.max(share, leastShare)
    const source = prior.data.subarray(c * voxels, (c + 1) * voxels)
    for (let i = 0, at = part * voxels; i < voxels; i++, at++) data[at] = factor * source[i]!
  })
  return { ...prior, data, classes: parts.length, parts }
}

/** Adds up the probabilities of each class's parts, [parts, ...] -> [K, ...]. */
export function mergedProbabilities(data: Float32Array, parts: readonly Part[]): Float32Array {
  const voxels = data.length / parts.length
  const merged = new Float32Array(classesOf(parts) * voxels)
  parts.forEach(({ class: c }, part) => {
    for (let i = 0, from = part * voxels, to = c * voxels; i < voxels; i++) merged[to++]! += data[from++]!
  })
  return merged
}

/** A table of pairs of classes as one of pairs of parts, [K, K] -> [parts, parts]. */
export function tableOfParts(table: Float32Array, parts: readonly Part[]): Float32Array {
  const K = classesOf(parts)
  return Float32Array.from(parts.flatMap((own) => parts.map((other) => table[own.class * K + other.class]!)))
}
