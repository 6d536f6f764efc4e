import type { Plan } from '../../plan/plan.js'
import { compile } from '../../plan/compile.js'
import type { Gpu } from '../../gpu/gpu.js'
import { emGraph, momentsOf, ruledOut, type EmGraph } from './em-graph.js'
import {
  checkEmSettings,
  componentCounts,
  defaultEm,
  type EmOptions,
  type EmSettings,
} from './em-settings.js'
import {
  initialMixture,
  momentsUnder,
  naturalParameters,
  precisionsOf,
  reestimated,
  type FittedMixture,
  type GaussianMixture,
} from './gaussian-mixture.js'
import { preparationOf, type Preparation } from '../plan-by-batch.js'
import { supportedPrior, type Prior } from '../prior/prior.js'
import { mrfTableOf } from '../prior/mrf-table.js'
import { StandardScan } from './standard-scan.js'

/** One iteration, as `run` shows it. */
export interface EmIteration {
  /** Counts from 1. */
  readonly iteration: number
  /** Of the scan's intensities, natural logarithm, mean over voxels. */
  readonly logLikelihood: number
}

/** The result of expectation maximisation for one scan. */
export interface EmResult extends FittedMixture {
  /** Most probable class per voxel, [D, H, W]. */
  readonly classes: Uint8Array
  /** Class probabilities, components merged, [K, D, H, W]. */
  readonly posterior: Float32Array
  /** Per voxel, of each iteration. */
  readonly logLikelihoods: readonly number[]
}

/**
 * Segments scans by expectation maximisation of a Gaussian mixture with a spatial prior (Ashburner and Friston 2005; Van
 * Leemput et al. 1999):
 *
 *   p(x_i) = sum_c p_i(c) sum_m w_cm N(x_i; mean_cm, variance_cm)
 *
 * A scan x_i has one or several channels; given the component, they are independent. The prior p is fixed; classes that it rules
 * out at a voxel (`supportThreshold`) stay ruled out. With beta > 0, an MRF is added by mean field,
 * q_i(c) ~ p_i(c) exp(beta sum_{j in N_i} sum_c' table(c, c') q_j(c')) p(x_i | c). With `bias`, a smooth field is refitted in
 * every iteration, and the scan is divided by it. Nothing is learnt across scans.
 *
 * Device memory at 160x192x224 with 14 classes: at least 1.4e9 bytes, 1.0e9 with beta 0; the default is 1.5e9. The
 * prior and the posterior take 385 MB each and, with beta > 0, so does the previous posterior, which the MRF reads; everything
 * else is computed slab by slab.
 */
export class ExpectationMaximisation {
  private constructor(
    private readonly gpu: Gpu,
    /** Its device memory and slabs. */
    readonly preparation: Preparation,
    private readonly settings: EmSettings,
    private readonly prior: Prior,
    private readonly graph: EmGraph,
    private readonly plan: Plan,
  ) {}

  /**
   * Compiles what scans of the prior's shape need.
   *
   * @throws UserError on settings out of range, or if there is not enough memory
   */
  static async create(gpu: Gpu, prior: Prior, options: EmOptions = {}): Promise<ExpectationMaximisation> {
    const { channels = 1, ...given } = options
    const settings = { ...defaultEm, ...given }
    checkEmSettings(settings)
    const { components, beta, neighbourhood, potential, bias } = settings
    const start = performance.now()
    const { classes, shape } = prior
    const graph = emGraph({
      scanChannels: channels,
      classes,
      components: componentCounts(components, classes),
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
   * @param scan intensities in any unit, [C, D, H, W] of the prior's shape
   * @param onIteration called after each iteration
   * @param start the first mixture, in the scan's intensities, of as many components as the settings say. Default: from
   *   the moments of the classes under the prior
   * @throws Error if it has another number of voxels, or holds NaN or infinity
   */
  async run(
    scan: Float32Array,
    onIteration?: (iteration: EmIteration) => void,
    start?: GaussianMixture,
  ): Promise<EmResult> {
    const { graph, plan, prior, settings } = this
    const { components, varianceFloor, iterations, tolerance } = settings
    const standard = new StandardScan(scan, prior.shape, settings.bias)
    const voxels = prior.data.length / prior.classes
    const whole = {
      mass: voxels,
      first: standard.channels.map(() => 0),
      second: standard.channels.map(() => voxels),
    }
    const counts = componentCounts(components, prior.classes)
    let mixture = start
      ? standard.standardise(start, varianceFloor)
      : initialMixture(momentsUnder(standard.data, prior), whole, counts, varianceFloor)
    if (graph.mrf) plan.write(graph.mrf.before, prior.data)
    const logLikelihoods: number[] = []
    for (let iteration = 1; ; iteration++) {
      const [total, products, masses] = await this.iterate(standard.data, mixture)
      const logLikelihood = total![0]! / voxels - standard.logUnit
      const change = Math.abs(logLikelihood - (logLikelihoods.at(-1) ?? Infinity))
      logLikelihoods.push(logLikelihood)
      onIteration?.({ iteration, logLikelihood })
      if (iteration === iterations || change < tolerance) break
      if (graph.mrf) this.keepPosterior(graph.mrf.before)
      mixture = reestimated(mixture, momentsOf(products!, masses!, mixture), varianceFloor)
      if (graph.expected) standard.correct(await plan.read(graph.expected.sums))
    }
    return {
      classes: Uint8Array.from(await plan.readUint(graph.labels)),
      posterior: await plan.read(graph.posterior),
      mixture: standard.inUnits(mixture),
      logLikelihoods,
      field: standard.field,
    }
  }

  /** Releases the plan. */
  dispose(): void {
    this.plan.dispose()
  }

  /** The E-step under a mixture; returns what the plan reports. */
  private async iterate(scan: Float32Array, mixture: GaussianMixture): Promise<Float32Array[]> {
    const { graph, plan } = this
    const { weight, bias } = naturalParameters(mixture)
    plan.write(graph.scan, scan)
    plan.write(graph.weight, weight)
    plan.write(graph.bias, bias)
    if (graph.expected) plan.write(graph.expected.precisions, precisionsOf(mixture))
    return plan.run()
  }

  /** The next iteration computes its messages from this posterior. */
  private keepPosterior(before: EmGraph['posterior']): void {
    const { device } = this.gpu
    const encoder = device.createCommandEncoder({ label: 'keep posterior' })
    const source = this.plan.buffer(this.graph.posterior)
    encoder.copyBufferToBuffer(source, 0, this.plan.buffer(before), 0, before.bytes)
    device.queue.submit([encoder.finish()])
  }
}
