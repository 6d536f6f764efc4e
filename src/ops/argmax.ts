import { op, type OpSpec } from '../graph/op.js'
import { requireSameShape, volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { chooseAmong } from './conv3d/unroll-choice.js'
import { planewise } from './shared/planewise.js'
import { startsOf } from './shared/starts.js'
import { supportThreshold } from './support-mask.js'

/** What `argmax` does in addition, in the same pass. */
export interface ArgmaxOptions {
  /** Probabilities of the same shape; channels that it rules out are not chosen, as after `supportMask`. */
  readonly prior?: Value | undefined
  /** If it is above 0, log(prior + least) is added first, as by `addLogPrior`. Default 0. */
  readonly least?: number | undefined
  /**
   * How many channels each class has, in order, if classes consist of several: the result is then the class whose channels
   * have the largest sum after a softmax. Default: each channel is a class.
   */
  readonly counts?: readonly number[] | undefined
}

/**
 * The class of the largest channel at every voxel or, with `counts`, of the largest sum of channels; the first one in a tie.
 *
 * @param input [N, C, D, H, W]
 * @returns u32 [N, 1, D, H, W]
 * @throws Error if the prior has another shape, or is missing although `least` is given; or if `counts` are not positive
 *   integers that add up to C
 */
export function argmax(input: Value, options: ArgmaxOptions = {}): Value {
  return op(argmaxOf(input, options))
}

/**
 * `argmax` of a value that nothing else needs. If it is the result of a convolution of up to 16 channels without
 * activation, the convolution's kernel chooses among them and stores the classes alone.
 *
 * @throws Error as `argmax`
 */
export function argmaxOnly(input: Value, options: ArgmaxOptions = {}): Value {
  const fused = input.node?.argmaxed
  if (!fused) return argmax(input, options)
  const { prior, least, counts } = choiceOf(input, options)
  return fused({ prior, least, unroll: (results, tile) => chooseAmong(results, { ...tile, least, counts }) })
}

/** The node of `argmax`, for ops that give it a gradient. */
export function argmaxOf(
  input: Value,
  options: ArgmaxOptions = {},
): OpSpec<{ input: Value; prior: Value | undefined; starts: Value | undefined }> {
  const { prior, least, counts } = choiceOf(input, options)
  const { batch, channels, depth, height, width, planes } = volumeShape(input)
  const starts = counts && startsOf('starts of classes', counts)
  return {
    name: 'argmax',
    inputs: { input, prior, starts },
    output: { shape: [batch, 1, depth, height, width], dtype: 'u32' },
    planes,
    emit: (output, device, slab) =>
      planewise(
        {
          shader: shaders.argmaxForward,
          flags: { PRIOR: prior !== undefined, LOG_PRIOR: least > 0, PARTS: starts !== undefined },
          params: { channels, classes: counts?.length ?? channels, threshold: supportThreshold, least },
          volumes: { input, output, ...(prior ? { prior } : {}) },
          flats: starts ? { starts } : {},
          vectors: true,
        },
        device,
        slab,
      ),
  }
}

/** @throws Error as `argmax` */
function choiceOf(
  input: Value,
  { prior, least = 0, counts }: ArgmaxOptions,
): Required<Pick<ArgmaxOptions, 'prior' | 'counts'>> & { readonly least: number } {
  const { channels } = volumeShape(input, 'argmax')
  if (prior) requireSameShape('argmax', input, prior)
  else if (least > 0) throw new Error('argmax: `least` needs a prior')
  const sum = counts?.reduce((sum, count) => (Number.isInteger(count) && count > 0 ? sum + count : NaN), 0)
  if (counts && sum !== channels)
    throw new Error(`argmax: ${channels} channels cannot be classes of ${counts.join(', ')} channels`)
  return { prior, least, counts: counts?.some((count) => count > 1) ? counts : undefined }
}
