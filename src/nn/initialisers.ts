import type { Shape } from '../graph/value.js'

/**
 * Makes the initial numbers of a parameter, row-major, from its shape: [outputs, inputs, ...kernel], or
 * [inputs, outputs, ...kernel] of a transposed convolution. Fans are counted as by PyTorch, which takes the second extent
 * for the inputs in both cases.
 */
export type Initialiser = (shape: Shape) => Float32Array

/** Which numbers `kaimingUniform` and `kaimingNormal` keep in range. */
export interface KaimingOptions {
  /** Whether to preserve the variance of activations (`in`) or of gradients (`out`). Default `in`. */
  readonly fan?: 'in' | 'out'
  /** Of the activation that follows (see `gainOf`). Default sqrt(2), for a ReLU. */
  readonly gain?: number
}

/** The same number everywhere. */
export function filledWith(value: number): Initialiser {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value)
}

/** Uniform from -bound to bound. */
export function uniformWithin(random: () => number, bound: number): Initialiser {
  return (shape) => Float32Array.from({ length: sizeOf(shape) }, () => (2 * random() - 1) * bound)
}

/** Normally distributed around 0 (Box and Muller 1958). */
export function normalWith(random: () => number, deviation: number): Initialiser {
  return (shape) =>
    Float32Array.from(
      { length: sizeOf(shape) },
      // 1 - random() is never 0.
      () => deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
    )
}

/** He et al. (2015), as `torch.nn.init.kaiming_uniform_`: within gain sqrt(3 / fan). */
export function kaimingUniform(random: () => number, options: KaimingOptions = {}): Initialiser {
  return (shape) => uniformWithin(random, Math.sqrt(3) * kaimingDeviation(shape, options))(shape)
}

/** The same with a normal distribution, as `torch.nn.init.kaiming_normal_`: deviation gain / sqrt(fan). */
export function kaimingNormal(random: () => number, options: KaimingOptions = {}): Initialiser {
  return (shape) => normalWith(random, kaimingDeviation(shape, options))(shape)
}

/** Glorot and Bengio (2010), as `torch.nn.init.xavier_uniform_`: within gain sqrt(6 / (fan in + fan out)). */
export function xavierUniform(random: () => number, gain = 1): Initialiser {
  return (shape) => uniformWithin(random, Math.sqrt(3) * xavierDeviation(shape, gain))(shape)
}

/** The same with a normal distribution, as `torch.nn.init.xavier_normal_`. */
export function xavierNormal(random: () => number, gain = 1): Initialiser {
  return (shape) => normalWith(random, xavierDeviation(shape, gain))(shape)
}

/**
 * The factor by which weights make up for the activation that follows them, as `torch.nn.init.calculate_gain`.
 *
 * @param negativeSlope of a leaky ReLU
 */
export function gainOf(
  activation: 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu',
  negativeSlope = 0.01,
) {
  switch (activation) {
    case 'linear':
    case 'sigmoid':
      return 1
    case 'tanh':
      return 5 / 3
    case 'relu':
      return Math.SQRT2
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + negativeSlope ** 2))
  }
}

/** Numbers that a weight adds up for each output, and outputs that each input goes into. */
export function fansOf([outputs, inputs, ...kernel]: Shape): { readonly in: number; readonly out: number } {
  const taps = sizeOf(kernel)
  return { in: inputs! * taps, out: outputs! * taps }
}

/** @throws Error if the shape is not that of a weight */
function fansOfWeight(shape: Shape): ReturnType<typeof fansOf> {
  if (shape.length < 2)
    throw new Error(`only a weight [outputs, inputs, ...] has fans, [${shape.join(', ')}] has not`)
  return fansOf(shape)
}

function kaimingDeviation(shape: Shape, { fan = 'in', gain = Math.SQRT2 }: KaimingOptions): number {
  return gain / Math.sqrt(fansOfWeight(shape)[fan])
}

function xavierDeviation(shape: Shape, gain: number): number {
  const fans = fansOfWeight(shape)
  return gain * Math.sqrt(2 / (fans.in + fans.out))
}

const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1)
