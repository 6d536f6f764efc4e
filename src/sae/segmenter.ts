import { accumulate } from '../autograd/accumulate.js'
import { compile, type Plan } from '../autograd/plan.js'
import type { Precision } from '../autograd/stored.js'
import { input, type Value } from '../autograd/value.js'
import type { Variables } from '../autograd/variables.js'
import type { Gpu } from '../gpu/gpu.js'
import { argmax, mrfMessage, softmax, supportMask, type Box } from '../ops/index.js'
import type { Model } from './model.js'
import { preparationOf, type MemoryOptions, type Preparation } from './plan-by-batch.js'
import { mrfTableOf, type Prior } from './prior-volume.js'
import { cropPrior, pasteVolume, regionShape } from './region.js'
import { checkNeighbourhood } from './settings.js'

/** What a segmenter takes of a device unless told otherwise, where that can be. */
export const segmentationMemory = 0.7e9

/** What is wanted of a `Segmenter`, and how it refines. */
export interface SegmentationOptions extends MemoryOptions {
  /** Whether posteriors are wanted beside the most probable classes. Default false. */
  readonly posterior?: boolean
  /** Whether the decoder's image of the posterior is wanted. Default false. */
  readonly reconstruction?: boolean
  /** Rounds of mean-field refinement with the MRF table. Default 0. */
  readonly rounds?: number
  /** Weight of the MRF in the refinement. Default 0.01. */
  readonly beta?: number
  /** Edge length k of its neighbourhood. Default 3. */
  readonly neighbourhood?: number
  /**
   * Whether to compute logits everywhere, not only where the prior allows more than the background. The results are the
   * same, up to rounding in the MRF's sums. Default false; true if a reconstruction is wanted.
   */
  readonly wholeGrid?: boolean
  /** How volumes on the way are stored; f16 takes about half the memory. Default f32. */
  readonly precision?: Precision
}

/** What a `Segmenter` makes of one scan. */
export interface Segmentation {
  /** Most probable class per voxel, [D, H, W]. */
  readonly classes: Uint8Array
  /** Class probabilities, [K, D, H, W], where asked for. */
  readonly posterior: Float32Array | undefined
  /** What the decoder makes of the posterior, 0..1, [D, H, W], where asked for; 0 outside a region. */
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
    /** What it takes of the device. */
    readonly preparation: Preparation,
    /** Where logits are computed; undefined for everywhere. */
    readonly region: Box | undefined,
    private readonly shape: Prior['shape'],
    private readonly plan: Plan,
    private readonly scan: Value,
    private readonly labels: Value,
    private readonly probabilities: Value | undefined,
    private readonly image: Value | undefined,
  ) {}

  /**
   * Compiles what segmenting scans of the prior's shape needs.
   *
   * @param variables hold the weights of the model's encoder, and of its decoder where a reconstruction is wanted
   * @throws UserError on a neighbourhood that is even or out of range, and where memory does not do
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
    checkNeighbourhood(neighbourhood)
    const start = performance.now()
    const { classes, shape } = prior
    const cut = wholeGrid ? prior : cropPrior(prior, rounds > 0 ? neighbourhood : 1)
    const { region } = cut
    const scan = input('scan', [1, 1, ...shape])
    const priorInput = input('prior', [1, classes, ...regionShape(cut)])
    const table = input('mrf table', [classes, classes])
    const logits = supportMask(model.encoder(scan, region), priorInput)
    let scores = logits
    for (let round = 0; round < rounds; round++) {
      scores = accumulate(logits, mrfMessage(softmax(scores), table, neighbourhood))
    }
    const labels = argmax(scores)
    const probabilities = posterior ? softmax(scores) : undefined
    const image = reconstruction ? model.decoder(probabilities ?? softmax(scores)) : undefined
    const outputs = [labels, probabilities, image].filter((value) => value !== undefined)
    const plan = await compile(gpu, {
      outputs,
      variables,
      memoryTarget: segmentationMemory,
      memoryLimit: options.memoryLimit,
      storage: options.precision ?? 'f32',
    })
    plan.write(priorInput, cut.data)
    // beta is folded into the table, so that a round needs no scaling of its own.
    if (rounds > 0)
      plan.write(
        table,
        mrfTableOf(prior, neighbourhood).map((logM) => beta * logM),
      )
    await plan.warmUp()
    const preparation = preparationOf([plan], start)
    return new Segmenter(preparation, region, shape, plan, scan, labels, probabilities, image)
  }

  /**
   * Segments one scan.
   *
   * @param scan intensities in 0..1, [D, H, W] of the prior's shape
   * @throws Error where it has another number of voxels
   */
  async segment(scan: Float32Array): Promise<Segmentation> {
    this.plan.write(this.scan, scan)
    await this.plan.run()
    const posterior = this.probabilities && (await this.plan.read(this.probabilities))
    const image = this.image && (await this.plan.read(this.image))
    const certain = Array.from({ length: this.probabilities?.shape[1] ?? 0 }, (_, c) => (c === 0 ? 1 : 0))
    return {
      classes: this.onWholeGrid(Uint8Array.from(await this.plan.readUint(this.labels)), [0]),
      posterior: posterior && this.onWholeGrid(posterior, certain),
      reconstruction: image && this.onWholeGrid(image, [0]),
    }
  }

  private onWholeGrid<T extends Float32Array | Uint8Array>(part: T, outside: readonly number[]): T {
    return this.region ? pasteVolume(part, this.shape, this.region, outside) : part
  }

  /** Releases the plan; the variables stay. */
  dispose(): void {
    this.plan.dispose()
  }
}
