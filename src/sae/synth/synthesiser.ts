import { UserError } from '../../errors.js'
import type { Random } from '../phantom/random.js'
import type { Prior } from '../prior/prior.js'
import type { SpatialShape } from '../shape.js'
import type { Affine } from './affine.js'
import { Deformation, type DeformationOptions } from './deformation.js'
import { PriorSampler, type PriorSamplingOptions } from './from-prior.js'
import { checkModel, type IntensityModel } from './intensities.js'
import { acquire, drawAcquisition, type Acquisition, type AcquisitionOptions } from './acquisition.js'

/** A label map to make scans of. */
export interface LabelSource {
  /** The classes to paint, one per voxel, 0 is background, [D, H, W]. May be finer than the truth. */
  readonly classes: Uint8Array
  /** [D, H, W] of the map. */
  readonly shape: SpatialShape
  /** The true label of each painted class. Default: the same. */
  readonly truth?: Uint8Array
  /** Where an output voxel lies in the map before anything moves. Default: centre on centre, voxels of one size. */
  readonly placement?: Affine
}

/** A prior to draw label maps from, when no sharp map is known. Its grid is placed as a label map's. */
export interface PriorSource extends PriorSamplingOptions {
  /** Probabilities to draw a label map from. */
  readonly prior: Prior
  /** Where the prior lies, from voxels of the scan to voxels of the prior. Default: the centres coincide. */
  readonly placement?: Affine
}

/** The sources and settings of scans; each scan draws its own parameters. */
export interface SynthesisOptions extends DeformationOptions, AcquisitionOptions {
  /** Where scans come from; each scan picks one of them. */
  readonly sources: readonly (LabelSource | PriorSource)[]
  /** The intensities of one scan, by painted class. */
  readonly intensities: (random: Random) => IntensityModel
  /** The same for further contrasts of the same anatomy, for `drawContrasts`. Default: none. */
  readonly otherContrasts?: readonly ((random: Random) => IntensityModel)[]
  /** Voxels of the scans. Default: those of the source. */
  readonly shape?: SpatialShape
  /** Voxel sizes of the scans in millimetres, which all lengths below are converted with. Default 1. */
  readonly spacing?: SpatialShape
}

/** A scan whose labels are known. */
export interface SyntheticScan {
  /** Intensities in 0..1, 0 outside the head, [D, H, W]. */
  readonly scan: Float32Array
  /** True labels, [D, H, W]. */
  readonly labels: Uint8Array
  /** [D, H, W] of the scan. */
  readonly shape: SpatialShape
  /** Index of its source in `sources`. */
  readonly source: number
  /** The intensities that the classes were painted in. */
  readonly intensities: IntensityModel
  /** What the simulated scanner did. */
  readonly acquisition: Acquisition
}

interface PreparedSource {
  readonly shape: SpatialShape
  readonly placement: Affine | undefined
  readonly truth: Uint8Array | undefined
  /** Number of painted classes. */
  readonly count: number
  readonly classes: (random: Random) => Uint8Array
}

/**
 * Makes scans with known labels: a label map is deformed, painted with intensities by class and put through a simulated
 * scanner (after Billot et al. 2023, "SynthSeg"). The same seed gives the same bits on every machine: sums, products,
 * quotients and square roots alone are used, which IEEE 754 rounds in one way.
 */
export class Synthesiser {
  private readonly sources: readonly PreparedSource[]

  /** @throws UserError without a source */
  constructor(private readonly options: SynthesisOptions) {
    if (options.sources.length === 0) throw new UserError('synthetic scans need a label map or a prior')
    this.sources = options.sources.map(prepare)
  }

  /** A scan of the first contrast. @throws UserError for options out of range */
  draw(random: Random): SyntheticScan {
    return this.drawContrasts(random, 1)[0]!
  }

  /**
   * Scans of one anatomy, a scan for each contrast. They share its labels and the rim that skull stripping leaves; each has
   * a bias field, a blur and noise of its own. The first is the scan that `draw` returns.
   *
   * @param count of contrasts. Default: all
   * @throws UserError for options out of range
   */
  drawContrasts(random: Random, count = Infinity): SyntheticScan[] {
    const { options } = this
    // One stream for each part, so that a change of one leaves the others as they were.
    const [choice, anatomy, pose, look, scanner] = [0, 1, 2, 3, 4].map(() => random.fork()) as [
      Random,
      Random,
      Random,
      Random,
      Random,
    ]
    const index = Math.floor(choice.uniform() * this.sources.length)
    const { shape: from, placement, truth, count: painted, classes } = this.sources[index]!
    const source = classes(anatomy)
    const { shape = from, spacing = [1, 1, 1] } = options
    const grid = { source: from, output: shape, spacing, ...(placement ? { placement } : {}) }
    const deformation = Deformation.random(pose, options, grid)
    let rim: number | undefined
    return [options.intensities, ...(options.otherContrasts ?? [])].slice(0, count).map((contrast) => {
      const intensities = checkModel(contrast(look), painted)
      const drawn = drawAcquisition(options, scanner)
      const acquisition = { ...drawn, rim: (rim ??= drawn.rim) }
      const { scan, labels } = acquire(source, deformation, spacing, intensities, acquisition, scanner)
      const truths = truth ? labels.map((c) => truth[c]!) : labels
      return { scan, labels: truths, shape, source: index, intensities, acquisition }
    })
  }
}

function prepare(source: LabelSource | PriorSource): PreparedSource {
  if ('prior' in source) {
    const sampler = new PriorSampler(source.prior)
    const { shape, classes: count } = source.prior
    const classes = (random: Random): Uint8Array => sampler.draw(random, source)
    return { shape, placement: source.placement, truth: undefined, count, classes }
  }
  const { shape, placement, truth, classes } = source
  const count = truth?.length ?? classes.reduce((most, c) => Math.max(most, c), 0) + 1
  return { shape, placement, truth, count, classes: () => classes }
}
