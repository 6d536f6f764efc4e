import { volumeShape, type Shape, type Value } from '../../graph/value.js'
import { kernelShape } from './geometry.js'

/** Number of bricks to aim for: enough to fill a large GPU, few enough that their partial sums stay small. */
export const targetBricks = 1024
/** The most partial sums to keep. */
export const mostPartials = 4e6
/** The least number of voxels of a brick. */
export const leastBrick = 256
/** With fewer output channels than these, an invocation holds sums for the input channels instead. */
const fewOutputs = 4

/** A convolution, to compute the gradient of its weights. */
export interface WeightProblem {
  readonly input: Value
  /** Upsampled and concatenated in front of the input's channels, if given. */
  readonly coarse?: Value | undefined
  readonly gradOutput: Value
  /** [Co, Ci, kD, kH, kW] */
  readonly shape: Shape
  /** Whether to compute the bias's gradient too. */
  readonly bias: boolean
  /** The weights, if there are such that the sums are the gradient of. */
  readonly parameter?: Value
}

/** The sums of a weight gradient, and how the volume is cut for them: into bricks, each a part of a plane. */
export interface Bricks {
  /** Whether invocations hold sums for the input channels, reading the gradient's as a convolution reads its input's. */
  readonly transposed: boolean
  /** Whether the bias's gradient is among the sums. */
  readonly withBias: boolean
  /** Numbers of the weights. */
  readonly weights: number
  /** Partial sums of a brick. */
  readonly columns: number
  /** Bricks of a plane. */
  readonly perPlane: number
  /** Columns of voxels of a brick that is cut along x, in fours. */
  readonly quads: number
}

/** Cuts the volume of a weight gradient, whatever the device. */
export function planBricks({ input, coarse, shape, bias }: WeightProblem): Bricks {
  const [outputs, inputs, kd, kh, kw] = kernelShape(shape)
  const { width, area, planes } = volumeShape(input)
  const transposed = outputs < Math.min(fewOutputs, inputs) && !coarse
  const withBias = bias && !transposed
  const weights = outputs * inputs * kd * kh * kw
  const columns = weights + (withBias ? outputs : 0)
  const most = Math.min(targetBricks / planes, mostPartials / columns / planes, area / leastBrick)
  const all = Math.ceil(width / 4)
  const quads = Math.ceil(all / Math.min(all, Math.max(1, Math.floor(most))))
  return { transposed, withBias, weights, columns, perPlane: Math.ceil(all / quads), quads }
}

/** The part of the sums that belongs to some of the input's channels. */
export interface Part {
  /** What each lane reads for itself: the input or its coarse part; the gradient if transposed. */
  readonly shifted: Value
  /** Index of its first channel among those of the weights. */
  readonly firstInput: number
  readonly partials: Value
}
