import { UserError } from '../../errors.js'
import type { Gpu } from '../../gpu/gpu.js'
import { readTfjsModel, tfjsModelFiles } from '../../io/tfjs-files.js'
import type { TfjsLayer } from '../../io/tfjs-model.js'
import { meshNet } from '../../nn/index.js'
import type { Precision } from '../../plan/storage.js'
import { brainMask } from '../../sae/prepare/brain-mask.js'
import { conformedShape } from '../../sae/prepare/conform.js'
import { scaledByQuantiles } from '../../sae/prepare/quantiles.js'
import { VolumeLabeller } from '../../sae/prepare/volume-labeller.js'

/** How skulls are stripped. */
export interface StripOptions {
  /** Folder of a network of brainchop. */
  readonly weights: string
  /** Millimetres by which the mask is grown. */
  readonly margin: number
  /** Shares of the voxels, 0..1, that become 0 and 1. Default: what brainchop uses for this network. */
  readonly quantiles: readonly [number, number] | undefined
  readonly precision: Precision
  readonly memoryLimit: number | undefined
}

/** A network that finds the brain in conformed scans. */
export class Stripper {
  private labeller: VolumeLabeller | undefined

  private constructor(
    private readonly layers: readonly TfjsLayer[],
    private readonly options: StripOptions,
    /** `model.json` and its weights. */
    readonly files: readonly string[],
  ) {}

  /** Reads the network. @throws UserError if it cannot be read, or does not tell anything from one channel */
  static async read(options: StripOptions): Promise<Stripper> {
    const { weights } = options
    const layers = await readTfjsModel(weights)
    const [inputs, outputs] = [layers[0]!.shape[1], layers.at(-1)!.shape[0]]
    if (inputs !== 1 || outputs < 2)
      throw new UserError(
        `${weights}: a network of ${inputs} input and ${outputs} output channels; one scan in, two classes or more out are needed`,
      )
    return new Stripper(layers, options, await tfjsModelFiles(weights))
  }

  /**
   * Compiles the network for conformed scans, unless it is.
   *
   * @throws UserError if there is not enough memory
   */
  async prepare(gpu: Gpu): Promise<VolumeLabeller['preparation']> {
    const { memoryLimit, precision } = this.options
    const network = meshNet(this.layers)
    this.labeller ??= await VolumeLabeller.create(gpu, network, conformedShape, { memoryLimit, precision })
    return this.labeller.preparation
  }

  /** The brain in a conformed scan, once it is prepared, as a mask of its shape. */
  async brainOf(scan: Float32Array): Promise<Uint8Array> {
    const { margin, quantiles = this.usualQuantiles } = this.options
    const labels = await this.labeller!.label(scaledByQuantiles(scan, quantiles))
    return brainMask(labels, conformedShape, margin, [1, 1, 1])
  }

  /** Releases the network. */
  dispose(): void {
    this.labeller?.dispose()
    this.labeller = undefined
  }

  /** MindGrab, whose layers are normalised, was trained on 2 to 98 %, brainchop's other networks on the whole range. */
  private get usualQuantiles(): readonly [number, number] {
    return this.layers.some(({ normalised }) => normalised) ? [0.02, 0.98] : [0, 1]
  }
}
