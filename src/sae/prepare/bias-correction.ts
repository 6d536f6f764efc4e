import type { Gpu } from '../../gpu/gpu.js'
import { ExpectationMaximisation, type EmIteration } from '../mixture/em.js'
import type { MemoryOptions } from '../plan-by-batch.js'
import type { SpatialShape } from '../shape.js'
import { clusters } from './clusters.js'
import { boxOfMask, middlesOfBlocks } from './blocks.js'

/** How `correctBias` fits the field. */
export interface BiasOptions extends MemoryOptions {
  /** Largest order of the field's cosines, 1 to 4. Default 3. */
  readonly order?: number
  /** Gaussians in the mask, 1 to 3: cerebrospinal fluid, grey and white matter. Default 3. */
  readonly tissues?: number
  /** Most iterations. Default 50. */
  readonly iterations?: number
}

/** A scan without its bias field. */
export interface BiasCorrected {
  /** The scan divided by the field, [D, H, W]. */
  readonly corrected: Float32Array
  /** [D, H, W]; the mean of its logarithm over the mask is 0. */
  readonly field: Float32Array
  /** How often the field was refitted. */
  readonly iterations: number
}

/** The field is fitted to one voxel of each block, so that there are about this many in the brain's box. */
const mostBlocks = 300_000

/**
 * Least variance of a tissue, as a share of that of the scan's box: narrow enough to notice a field of a few percent,
 * wide enough for the noise.
 */
const varianceFloor = 0.001

/**
 * Divides a scan by its bias field: expectation maximisation of a mixture of a few Gaussians inside the mask, without any
 * other prior, and with a smooth field that is refitted in every iteration (`ExpectationMaximisation`, `BiasField`).
 *
 * @param scan finite intensities in any unit, [D, H, W]
 * @param mask 1 in the brain, else 0, [D, H, W]
 * @throws UserError if an option is out of range or there is not enough memory
 * @throws Error if the mask is empty, or the scan holds NaN or infinity
 */
export async function correctBias(
  gpu: Gpu,
  scan: Float32Array,
  mask: Uint8Array,
  shape: SpatialShape,
  { order = 3, tissues = 3, iterations = 50, memoryLimit }: BiasOptions = {},
  onIteration?: (iteration: EmIteration) => void,
): Promise<BiasCorrected> {
  const box = boxOfMask(mask, shape)
  const voxels = [0, 1, 2].reduce((product, axis) => product * (box.stop[axis]! - box.start[axis]!), 1)
  const block = 1 + 2 * Math.max(0, Math.round((Math.cbrt(voxels / mostBlocks) - 1) / 2))
  const { shape: blocks, data, inside } = middlesOfBlocks(scan, mask, shape, box, block)
  const prior = new Float32Array(2 * inside.length)
  prior.set(inside.map((value) => 1 - value))
  prior.set(inside, inside.length)
  const method = await ExpectationMaximisation.create(
    gpu,
    { data: prior, classes: 2, shape: blocks },
    { components: [1, tissues], beta: 0, bias: order, iterations, varianceFloor, memoryLimit },
  )
  try {
    const background = [{ weight: 1, mean: [0], variance: [0] }]
    const found = clusters(
      data.filter((_, i) => inside[i] === 1),
      tissues,
    )
    const ofTissues = found.map(({ weight, mean, variance }) => ({
      weight,
      mean: [mean],
      variance: [variance],
    }))
    const start = [background, ofTissues]
    const { field: fieldOf, logLikelihoods } = await method.run(data, onIteration, start)
    const field = fieldOf!({ shape, block, start: box.start })
    return { corrected: scan.map((value, i) => value / field[i]!), field, iterations: logLikelihoods.length }
  } finally {
    method.dispose()
  }
}
