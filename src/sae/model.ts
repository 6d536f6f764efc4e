import type { Value } from '../graph/value.js'
import { misfit, type VariableContents, type Variables } from '../plan/variables.js'
import { UserError } from '../errors.js'
import { decoder, unet, unetLayers, type Network, type Unet } from '../nn/index.js'
import { addLogPrior, type argmax, type Box } from '../ops/index.js'
import { partCountsOf } from './prior/parts.js'
import type { Part } from './prior/prior.js'

/** The structure of a model; two models with the same architecture can exchange weights. */
export interface Architecture {
  /** Channels of the prior and the posterior: classes, or parts of classes. */
  readonly classes: number
  /** What the channels are if classes are divided into parts; undefined if each is a class. */
  readonly parts?: readonly Part[]
  /** Channels of a scan, such as contrasts of one subject: the encoder's input and the decoder's output. Default 1. */
  readonly channels?: number
  /** Channels of the encoder's descending blocks. */
  readonly widths: readonly number[]
  /** Whether every block of the encoder is normalised before its ReLU; not so in the paper. */
  readonly instanceNorm: boolean
  /**
   * Whether the logarithm of the prior is added to the encoder's logits: the encoder then learns only a log-likelihood
   * from the scan, and need not memorise the prior. In the paper the prior only rules classes out. Default false.
   */
  readonly priorLogits?: boolean
}

/** The encoder and decoder of a Segmentation Auto-Encoder. */
export interface Model {
  /** The architecture that it was made from. */
  readonly architecture: Architecture
  /** From a scan [N, C, D, H, W] to logits [N, K, D, H, W]. */
  readonly encoder: Unet
  /** From classes or their probabilities [N, K, D, H, W] to an image [N, C, D, H, W] in (0, 1). */
  readonly decoder: Network
  /** Of the encoder, then of the decoder. */
  readonly parameters: readonly Value[]
}

/** The architecture of the paper, for a number of classes. */
export function defaultArchitecture(classes: number): Architecture {
  return { classes, widths: [4, 8, 16, 32, 32], instanceNorm: false }
}

/** The channels of a scan. */
export const channelsOf = ({ channels = 1 }: Pick<Architecture, 'channels'>): number => channels

/** The architecture for scans of this many channels. */
export function forChannels(architecture: Architecture, channels: number): Architecture {
  return channels === 1 ? architecture : { ...architecture, channels }
}

/**
 * Makes a model with seeded initial weights.
 *
 * @param seed the same seed gives the same weights on every machine
 * @throws Error if the architecture has fewer than two widths
 */
export function createModel(architecture: Architecture, seed = 0): Model {
  const channels = channelsOf(architecture)
  const encoder = unet({ ...architecture, inputs: channels, seed })
  const decoding = decoder({ classes: architecture.classes, outputs: channels, seed })
  return {
    architecture,
    encoder,
    decoder: decoding,
    parameters: [...encoder.parameters, ...decoding.parameters],
  }
}

/** Added to probabilities before their logarithm is taken; classes below `supportThreshold` are ruled out anyway. */
export const leastProbability = 1e-7

/**
 * The model's logits for a scan, before the classes outside the prior's support are ruled out.
 *
 * @param scan [N, C, D, H, W]
 * @param prior probabilities, [N, K, ...] of the region
 * @param region where to compute logits. Default: the whole scan
 * @returns the logits, the outputs of the encoder's blocks, and the most probable class within the prior's support, computed
 *   without a volume in between: by `argmax`, or by `argmaxOnly` if the logits are not needed besides
 */
export function modelLogits(
  { encoder, architecture }: Model,
  scan: Value,
  prior: Value,
  region?: Box,
): {
  readonly logits: Value
  readonly blocks: readonly Value[]
  readonly labels: (choose: typeof argmax) => Value
} {
  const { logits: own, blocks } = encoder.trace(scan, region)
  const least = architecture.priorLogits ? leastProbability : 0
  return {
    logits: least > 0 ? addLogPrior(own, prior, least) : own,
    blocks,
    labels: (choose) => choose(own, { prior, least, counts: partCountsOf(architecture) }),
  }
}

/** A tensor as files hold it. */
export type NamedTensor = VariableContents

/**
 * Requires a tensor of the same name and shape for each value.
 *
 * @param source where the tensors come from, for messages
 * @throws UserError if a tensor is missing, of another shape or not finite
 */
export function checkTensors(
  wanted: readonly Value[],
  tensors: ReadonlyMap<string, NamedTensor>,
  source: string,
): void {
  for (const value of wanted) {
    const problem = misfit(value, tensors.get(value.name))
    if (problem)
      throw new UserError(
        `${source} does not hold the weights of this architecture: ${value.name} ${problem}`,
      )
  }
}

/**
 * Writes tensors into the variables of the same name.
 *
 * @throws UserError as `checkTensors`; nothing is written then
 */
export function loadTensors(
  variables: Variables,
  wanted: readonly Value[],
  tensors: ReadonlyMap<string, NamedTensor>,
  source: string,
): void {
  checkTensors(wanted, tensors, source)
  for (const value of wanted) variables.write(value, tensors.get(value.name)!.data)
}

/**
 * Reads the architecture off the shapes of an encoder's weights.
 *
 * @throws UserError if they are not those of a U-Net of this kind
 */
export function architectureOf(
  tensors: ReadonlyMap<string, NamedTensor>,
  source: string,
): Pick<Architecture, 'classes' | 'widths' | 'channels'> {
  const outputs: number[] = []
  for (let i = 0; ; i++) {
    const weight = tensors.get(`encoder.block${i}.weight`)
    if (!weight) break
    outputs.push(weight.shape[0] ?? 0)
  }
  const classes = tensors.get('encoder.conv.weight')?.shape[0]
  if (classes === undefined || outputs.length < 3 || outputs.length % 2 === 0) {
    throw new UserError(`${source}: holds no encoder (tensors encoder.block0.weight ... encoder.conv.weight)`)
  }
  const widths = outputs.slice(0, (outputs.length + 1) / 2)
  const channels = Math.max(1, tensors.get('encoder.block0.weight')!.shape[1] ?? 1)
  // Before a network is made of them: sizes that the file claims without holding as many weights could be any.
  for (const { name, inputs, outputs } of unetLayers(widths, classes, channels)) {
    const { shape = [], data } = tensors.get(`${name}.weight`) ?? {}
    if (data?.length === 27 * inputs * outputs && shape[1] === inputs) continue
    throw new UserError(
      `${source} does not hold the weights of this architecture: ${name}.weight is [${shape.slice(0, 8).join(', ')}], not [${outputs}, ${inputs}, 3, 3, 3]`,
    )
  }
  return { classes, widths, ...(channels > 1 ? { channels } : {}) }
}
