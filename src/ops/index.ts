export {
  abs,
  elu,
  exp,
  gelu,
  leakyRelu,
  log,
  negate,
  sigmoid,
  silu,
  softplus,
  sqrt,
  square,
  tanh,
} from './activation.js'
export { affineGrid, type AffineGridOptions } from './affine-grid.js'
export { amax, amin } from './amax.js'
export { argmax, argmaxOnly, type ArgmaxOptions } from './argmax.js'
export { avgPool3d } from './avg-pool3d.js'
export {
  batchNorm,
  batchNormBy,
  type BatchNormalised,
  type BatchNormOptions,
  type RunningStatistics,
} from './batch-norm.js'
export {
  add,
  divide,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  minimum,
  multiply,
  notEqual,
  subtract,
  type Operand,
} from './arithmetic.js'
export { clamp } from './clamp.js'
export { concat } from './concat.js'
export {
  conv1d,
  conv2d,
  convTranspose2d,
  type Conv1dOptions,
  type Conv2dOptions,
  type ConvTranspose2dOptions,
  type Pair,
} from './conv2d.js'
export { conv3d, type Activation, type Conv3dOptions, type UpsampledAndSkip } from './conv3d/index.js'
export { convTranspose3d, type ConvTranspose3dOptions } from './conv-transpose3d.js'
export { crossEntropy, type CrossEntropyOptions } from './cross-entropy.js'
export { dropout, type DropoutOptions } from './dropout.js'
export { erf } from './erf.js'
export { expand } from './expand.js'
export { crop, fit } from './fit.js'
export { gather } from './gather.js'
export { gridSample, type GridSampleOptions } from './grid-sample/index.js'
export { groupNorm } from './group-norm.js'
export { gumbelSoftmax, type GumbelSoftmaxOptions } from './gumbel-softmax.js'
export { instanceNorm, type InstanceNormOptions } from './instance-norm.js'
export { klDivergence } from './kl-divergence.js'
export { labelConv3d } from './label-conv3d/index.js'
export { linear } from './linear.js'
export { logSumExp } from './log-sum-exp.js'
export { matmul } from './matmul.js'
export { maxPool3d } from './max-pool3d/index.js'
export {
  mixturePosterior,
  type MixtureComponents,
  type MixturePosteriorOptions,
} from './mixture-posterior.js'
export { mrfEnergy, mrfMessage } from './mrf.js'
export { neighbourSums } from './neighbour-sums.js'
export { type NormaliseOptions } from './shared/normalise.js'
export { pad, type Margin, type PadOptions } from './pad.js'
export { normalNoise, uniformNoise, type NormalNoiseOptions } from './noise.js'
export { posterior, type Posterior, type PosteriorOptions } from './posterior.js'
export type { PoolOptions } from './shared/pooling.js'
export { pow } from './pow.js'
export { relu } from './relu.js'
export { reshape, type ReshapeOptions } from './reshape.js'
export { resample, type ResampleOptions } from './resample.js'
export { slice, type SliceOptions } from './slice.js'
export { cos, sin } from './sin.js'
export { softDice, type SoftDiceOptions } from './soft-dice.js'
export { logSoftmax, softmax } from './softmax.js'
export { split } from './split.js'
export { stack } from './stack.js'
export { dot, mean, squaredError, sum, weightedSum, type SumOptions, type WeightedTerm } from './sum.js'
export { addLogPrior, supportMask, supportThreshold } from './support-mask.js'
export { transpose } from './transpose.js'
export type { AxesOptions } from './shared/axes.js'
export type { Box } from './shared/box.js'
export type { Triple } from './shared/triple.js'
export { upsampleNearest } from './upsample-nearest.js'
export { upsampleTrilinear } from './upsample-trilinear.js'
export { where } from './where.js'
