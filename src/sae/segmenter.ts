import { accumulate } from '../graph/accumulate.js'
import type { Plan } from '../plan/plan.js'
import { compile } from '../plan/compile.js'
import type { DispatchRow } from '../plan/describe.js'
import type { Precision } from '../plan/storage.js'
import { input, type Value } from '../graph/value.js'
import type { Variables } from '../plan/variables.js'
import { profiled } from '../plan/profiled.js'
import type { Gpu } from '../gpu/gpu.js'
import { argmax, argmaxOnly, mrfMessage, softmax, supportMask, type Box } from '../ops/index.js'
import { requireNeighbourhood } from '../ops/shared/neighbourhood.js'
import { channelsOf, modelLogits, type Model } from './model.js'
import { mergeParts } from './prior/membership.js'
import { classesOf, partCountsOf } from './prior/parts.js'
import { preparationOf, type MemoryOptions, type Preparation } from './plan-by-batch.js'
import type { Prior, PriorLayout } from './prior/prior.js'
import { mrfTableOf, type MrfPotential } from './prior/mrf-table.js'
import { requireFiniteScan } from './require-finite-scan.js'
import { cropPrior, onWholeGrid, pasteVolume, regionShape } from './prior/region.js'

/** Device memory of a segmenter unless a limit is given; exceeded if it has to be. */
export const segmentationMemory = 0.7e9

/** What a `Segmenter` returns, and how it refines. */
export interface SegmentationOptions extends MemoryOptions {
  /** Whether to return posteriors in addition to the most probable classes. Default false. */
  readonly posterior?: boolean
  /** Whether to return the decoder's image of the posterior. Default false. */
  readonly reconstruction?: boolean
  /** Rounds of mean-field refinement with the MRF table. Default 0. */
  readonly rounds?: number
  /** Weight of the MRF in the refinement, of the sum over neighbours (`summedBeta`). Default 0.01. */
  readonly beta?: number
  /** The potentials of the MRF in the refinement. Default `conditional`. */
  readonly potential?: MrfPotential
  /** Edge length k of its neighbourhood. Default 3. */
  readonly neighbourhood?: number
  /**
   * Whether to compute logits on the whole grid, not only in the region in which the prior allows more than the background. The
   * results are the same, up to rounding in the MRF's sums; but at the sides of the region the decoder pads a reconstruction with
   * zeros, where a whole grid has background. Default false; true if a reconstruction is wanted.
   */
  readonly wholeGrid?: boolean
  /**
   * How intermediate volumes are stored; f16 takes about half the memory. But numbers beyond 65,504, which weights many
   * times their usual size lead to, silently give wrong classes: `checkFinite` finds them. Default f32.
   */
  readonly precision?: Precision
}

/** The result of a `Segmenter` for one scan. */
export interface Segmentation {
  /** Most probable class per voxel, [D, H, W]. */
  readonly classes: Uint8Array
  /** Class probabilities, [K, D, H, W], if asked for. */
  readonly posterior: Float32Array | undefined
  /** The decoder's image of the posterior, 0..1, [C, D, H, W], if requested; 0 outside a region. */
  readonly reconstruction: Float32Array | undefined
}

/**
 * Segments scans of one shape with a trained encoder: softmax over the classes that the prior supports, and
 * optionally rounds of mean-field refinement,
 *
 *   q <- softmax(logits + beta * message(q)),   q = softmax(logits) at first.
 */
export class Segmenter {
  private constructor(
    /** Its device memory and slabs. */
    readonly preparation: Preparation,
    private readonly layout: PriorLayout,
    private readonly plan: Plan,
    private readonly scan: Value,
    private readonly labels: Value,
    private readonly probabilities: Value | undefined,
    private readonly image: Value | undefined,
  ) {}

  /** Where logits are computed; undefined for everywhere. */
  get region(): Box | undefined {
    return this.layout.region
  }

  /**
   * Compiles what segmenting scans of the prior's shape needs.
   *
   * @param variables hold the weights of the model's encoder, and of its decoder if a reconstruction is wanted
   * @throws UserError on a neighbourhood that is even or out of range, or if there is not enough memory
   */
  static async create(
    gpu: Gpu,
    model: Model,
    variables: Variables,
    prior: Prior,
    options: SegmentationOptions = {},
  ): Promise<Segmenter> {
    const { posterior = false, reconstruction = false, rounds = 0, beta = 0.01, neighbourhood = 3 } = options
    const { wholeGrid = reconstruction } = options
    requireNeighbourhood(neighbourhood)
    const start = performance.now()
    const { classes, shape } = prior
    const cut = wholeGrid ? prior : cropPrior(prior, rounds > 0 ? neighbourhood : 1)
    const { region, parts } = cut
    const scan = input('scan', [1, channelsOf(model.architecture), ...shape])
    const priorInput = input('prior', [1, classes, ...regionShape(cut)])
    const table = input('mrf table', [classes, classes])
    const free = modelLogits(model, scan, priorInput, region)
    const logits = supportMask(free.logits, priorInput)
    let scores = logits
    for (let round = 0; round < rounds; round++) {
      scores = accumulate(logits, mrfMessage(softmax(scores), table, neighbourhood))
    }
    const channels = softmax(scores)
    const labels =
      rounds === 0
        ? free.labels(posterior || reconstruction ? argmax : argmaxOnly)
        : argmax(scores, { counts: partCountsOf(prior) })
    const probabilities = posterior ? mergeParts(channels, parts) : undefined
    const image = reconstruction ? model.decoder(channels) : undefined
    const outputs = [labels, probabilities, image].filter((value) => value !== undefined)
    const plan = await compile(gpu, {
      outputs,
      variables,
      memoryTarget: segmentationMemory,
      memoryLimit: options.memoryLimit,
      storage: options.precision ?? 'f32',
    })
    plan.write(priorInput, cut.data)
    // beta is folded into the table, so a round needs no separate scaling.
    if (rounds > 0)
      plan.write(
        table,
        mrfTableOf(prior, neighbourhood, options.potential).map((logM) => beta * logM),
      )
    await plan.warmUp()
    const layout = { classes, shape, ...(region ? { region } : {}), ...(parts ? { parts } : {}) }
    return new Segmenter(preparationOf([plan], start), layout, plan, scan, labels, probabilities, image)
  }

  /**
   * Segments one scan.
   *
   * @param scan intensities in 0..1, [C, D, H, W] of the prior's shape
   * @throws UserError if it holds a NaN or an infinity
   * @throws Error if it has another number of voxels
   */
  async segment(scan: Float32Array): Promise<Segmentation> {
    requireFiniteScan('scan', scan)
    this.plan.write(this.scan, scan)
    await this.plan.run()
    const { parts, classes, shape, region } = this.layout
    const labels = Uint8Array.from(await this.plan.readUint(this.labels))
    const posterior = this.probabilities && (await this.plan.read(this.probabilities))
    const image = this.image && (await this.plan.read(this.image))
    // The background, class 0, is certain outside the region.
    const certain = Array.from({ length: parts ? classesOf(parts) : classes }, (_, c) => (c === 0 ? 1 : 0))
    const zeros = Array.from({ length: this.scan.shape[1]! }, () => 0)
    return {
      classes: onWholeGrid(labels, this.layout),
      posterior: posterior && region ? pasteVolume(posterior, shape, region, certain) : posterior,
      reconstruction: image && region ? pasteVolume(image, shape, region, zeros) : image,
    }
  }

  /**
   * The dispatches of segmenting a scan, timed on the device with the last segmented scan.
   *
   * @throws Error if the device has no timestamps
   */
  profile(): Promise<DispatchRow[]> {
    return profiled(this.plan)
  }

  /** Releases the plan; the variables stay. */
  dispose(): void {
    this.plan.dispose()
  }
}
