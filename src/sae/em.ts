import { compile, type Plan } from '../autograd/plan.js'
import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import { BiasField } from './bias-field.js'
import { emGraph, ruledOut, type EmGraph } from './em-graph.js'
import {
  initialMixture,
  naturalParameters,
  reestimated,
  type GaussianMixture,
  type Moments,
} from './gaussian-mixture.js'
import { preparationOf, type MemoryOptions, type Preparation } from './plan-by-batch.js'
import { mrfTableOf, supportedPrior, type MrfPotential, type Prior } from './prior-volume.js'
import { checkNeighbourhood, requireNotNegative, requirePositive, requireWhole } from './settings.js'

/** Settings of expectation maximisation. */
export interface EmSettings {
  /** Gaussians of each class, 1 to 3. */
  readonly components: number
  /** Weight of the MRF for each neighbour; 0 for the spatially independent prior. */
  readonly beta: number
  /** Edge length k of the MRF's neighbourhood: odd, 3 to 21. */
  readonly neighbourhood: number
  /** What the MRF's neighbours say of each other. */
  readonly potential: MrfPotential
  /** Largest order of the cosines in the bias field, 1 to 4; 0 for no field. */
  readonly bias: number
  /** Iterations at most. */
  readonly iterations: number
  /** Ends when the log-likelihood per voxel changes by less. */
  readonly tolerance: number
  /** Least variance of a Gaussian, as a share of the scan's. */
  readonly varianceFloor: number
}

/** What is used unless something else is asked for. */
export const defaultEm: EmSettings = {
  components: 1,
  beta: 0,
  neighbourhood: 3,
  potential: 'pointwise',
  bias: 0,
  iterations: 50,
  tolerance: 1e-5,
  varianceFloor: 1e-4,
}

/** Some of the settings, and bounds on memory. */
export interface EmOptions extends Partial<EmSettings>, MemoryOptions {}

/** One iteration, as `run` shows it. */
export interface EmIteration {
  /** Counts from 1. */
  readonly iteration: number
  /** Of the scan's intensities, natural logarithm, mean over voxels. */
  readonly logLikelihood: number
}

/** What expectation maximisation makes of one scan. */
export interface EmResult {
  /** Most probable class per voxel, [D, H, W]. */
  readonly classes: Uint8Array
  /** Class probabilities, components merged, [K, D, H, W]. */
  readonly posterior: Float32Array
  /** The Gaussians of each class, [K][M], in the scan's intensities. */
  readonly mixture: GaussianMixture
  /** Per voxel, of each iteration. */
  readonly logLikelihoods: readonly number[]
  /** The bias field where one was fitted, [D, H, W]: the scan is this times its corrected self. */
  readonly field: Float32Array | undefined
}

/**
 * Segments scans by expectation maximisation of a Gaussian mixture with a spatial prior (Ashburner and Friston 2005; Van
 * Leemput et al. 1999):
 *
 *   p(x_i) = sum_c p_i(c) sum_m w_cm N(x_i; mean_cm, variance_cm)
 *
 * The prior p is fixed; classes that it rules out at a voxel (`supportThreshold`) stay so. With beta > 0 an MRF joins it
 * by mean field, q_i(c) ~ p_i(c) exp(beta sum_{j in N_i} sum_c' table(c, c') q_j(c')) p(x_i | c); with `bias` a smooth
 * field is refitted in every iteration and the scan divided by it. Nothing is learnt across scans.
 *
 * Device memory at 160x192x224 with 14 classes: under the default target of 1.5e9 bytes. The prior and the posterior take
 * 385 MB each, the MRF's messages the same once more, and everything else is worked on slab by slab.
 */
export class ExpectationMaximisation {
  private constructor(
    private readonly gpu: Gpu,
    /** What it takes of the device. */
    readonly preparation: Preparation,
    private readonly settings: EmSettings,
    private readonly prior: Prior,
    private readonly graph: EmGraph,
    private readonly plan: Plan,
  ) {}

  /**
   * Compiles what scans of the prior's shape need.
   *
   * @throws UserError on settings out of range, and where memory does not do
   */
  static async create(gpu: Gpu, prior: Prior, options: EmOptions = {}): Promise<ExpectationMaximisation> {
    const settings = { ...defaultEm, ...options }
    checkSettings(settings)
    const { components, beta, neighbourhood, potential, bias } = settings
    const start = performance.now()
    const { classes, shape } = prior
    const graph = emGraph({
      classes,
      components,
      shape,
      neighbourhood: beta > 0 ? neighbourhood : undefined,
      bias: bias > 0,
    })
    const { posterior, labels, expected, logLikelihood, moments } = graph
    const plan = await compile(gpu, {
      outputs: [posterior, labels, ...(expected ? [expected.sums] : [])],
      report: [logLikelihood, ...moments],
      memoryLimit: options.memoryLimit,
    })
    const data = supportedPrior(prior)
    plan.write(
      graph.logPrior,
      data.map((p) => (p > 0 ? Math.log(p) : ruledOut)),
    )
    if (graph.mrf) {
      const table = mrfTableOf(prior, neighbourhood, potential)
      plan.write(
        graph.mrf.table,
        table.map((value) => beta * value),
      )
    }
    await plan.warmUp()
    const supported = { ...prior, data }
    return new ExpectationMaximisation(gpu, preparationOf([plan], start), settings, supported, graph, plan)
  }

  /**
   * Segments one scan.
   *
   * @param scan intensities in any unit, [D, H, W] of the prior's shape
   * @param onIteration called after each iteration
   * @throws Error where it has another number of voxels, or holds NaN or infinity
   */
  async run(scan: Float32Array, onIteration?: (iteration: EmIteration) => void): Promise<EmResult> {
    const { graph, plan, prior, settings } = this
    const unit = standardUnit(scan)
    const field = settings.bias > 0 ? new BiasField(scan, prior.shape, settings.bias) : undefined
    const standard = (value: number): number => (value - unit.mean) / unit.deviation
    let corrected = scan
    let standardised = scan.map(standard)
    let mixture = firstMixture(standardised, prior, settings)
    if (graph.mrf) plan.write(graph.mrf.before, prior.data)
    const logLikelihoods: number[] = []
    for (let iteration = 1; ; iteration++) {
      plan.write(graph.scan, standardised)
      const parameters = naturalParameters(mixture)
      plan.write(graph.weight, parameters.weight)
      plan.write(graph.bias, parameters.bias)
      if (graph.expected) plan.write(graph.expected.precisions, precisionsOf(mixture))
      const [total, products, masses] = await plan.run()
      const logLikelihood = total![0]! / scan.length - Math.log(unit.deviation)
      const change = Math.abs(logLikelihood - (logLikelihoods.at(-1) ?? Infinity))
      logLikelihoods.push(logLikelihood)
      onIteration?.({ iteration, logLikelihood })
      if (iteration === settings.iterations || change < settings.tolerance) break
      if (graph.mrf) this.keepPosterior(graph.mrf.before)
      mixture = reestimated(
        mixture,
        momentsOf(products!, masses!, settings.components),
        settings.varianceFloor,
      )
      if (field) {
        const sums = await plan.read(graph.expected!.sums)
        const mean = (voxel: number): number => sums[scan.length + voxel]! / sums[voxel]!
        field.refit(
          corrected,
          (voxel) => unit.mean + unit.deviation * mean(voxel),
          (voxel) => sums[voxel]!,
        )
        const values = field.values()
        corrected = scan.map((value, i) => value / values[i]!)
        standardised = corrected.map(standard)
      }
    }
    return {
      classes: Uint8Array.from(await plan.readUint(graph.labels)),
      posterior: await plan.read(graph.posterior),
      mixture: mixture.map((components) =>
        components.map(({ weight, mean, variance }) => ({
          weight,
          mean: unit.mean + unit.deviation * mean,
          variance: unit.deviation ** 2 * variance,
        })),
      ),
      logLikelihoods,
      field: field?.values(),
    }
  }

  /** Releases the plan. */
  dispose(): void {
    this.plan.dispose()
  }

  /** The posterior becomes what the next iteration's messages are made of. */
  private keepPosterior(before: EmGraph['posterior']): void {
    const { device } = this.gpu
    const encoder = device.createCommandEncoder({ label: 'keep posterior' })
    const source = this.plan.buffer(this.graph.posterior)
    encoder.copyBufferToBuffer(source, 0, this.plan.buffer(before), 0, before.bytes)
    device.queue.submit([encoder.finish()])
  }
}

function checkSettings(settings: EmSettings): void {
  const { components, beta, neighbourhood, bias, iterations, tolerance, varianceFloor } = settings
  requireUpTo('components', components, 1, 3)
  requireNotNegative('beta', beta)
  checkNeighbourhood(neighbourhood)
  requireUpTo('the order of the bias field', bias, 0, 4)
  requireWhole('iterations', iterations, 1)
  requireNotNegative('tolerance', tolerance)
  requirePositive('variance floor', varianceFloor)
}

function requireUpTo(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UserError(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
}

/**
 * The unit in which the device computes, so that its single precision suits scans of any scale.
 *
 * @throws Error where the scan holds NaN or infinity
 */
function standardUnit(scan: Float32Array): { mean: number; deviation: number } {
  let [first, second] = [0, 0]
  for (const value of scan) first += value
  const mean = first / scan.length
  for (const value of scan) second += (value - mean) ** 2
  const deviation = Math.sqrt(second / scan.length)
  if (!Number.isFinite(deviation)) throw new Error('the scan holds NaN or infinity')
  return { mean, deviation: deviation > 0 ? deviation : 1 }
}

/** Class by class from the moments under the prior. */
function firstMixture(
  scan: Float32Array,
  { data, classes }: Prior,
  { components, varianceFloor }: EmSettings,
): GaussianMixture {
  const voxels = scan.length
  const moments = Array.from({ length: classes }, (_, c): Moments => {
    let [mass, first, second] = [0, 0, 0]
    for (let i = 0; i < voxels; i++) {
      const [p, x] = [data[c * voxels + i]!, scan[i]!]
      mass += p
      first += p * x
      second += p * x * x
    }
    return { mass, first, second }
  })
  // The scan is standardised.
  const whole = { mass: voxels, first: 0, second: voxels }
  return initialMixture(moments, whole, components, varianceFloor)
}

function momentsOf(products: Float32Array, masses: Float32Array, components: number): Moments[][] {
  const all = Array.from(masses, (mass, i) => ({
    mass,
    second: products[2 * i]!,
    first: products[2 * i + 1]!,
  }))
  return Array.from({ length: masses.length / components }, (_, c) =>
    all.slice(c * components, (c + 1) * components),
  )
}

function precisionsOf(mixture: GaussianMixture): Float32Array {
  const all = mixture.flat()
  return Float32Array.from([
    ...all.map(({ variance }) => 1 / variance),
    ...all.map(({ mean, variance }) => mean / variance),
  ])
}
