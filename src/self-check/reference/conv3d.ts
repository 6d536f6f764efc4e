/**
 * 3-D convolution (cross-correlation, as in every deep-learning library), zero padding outside the input:
 *
 *   out[n, o, y] = f( bias[o] + sum over i, t of input[n, g(o) Ci/G + i, y stride - padding + t dilation] weight[o, i, t] )
 *
 * with y an output position, t a kernel position (both triples D, H, W), i one of the Ci/G input channels of the
 * group g(o) = floor(o G / Co), and f the activation.
 */
import { gradientCase, type Draw, type GradientCases } from './gradient-cases.js'
import { UserError } from '../../errors.js'
import { at, channelOf, map, volumeShape, zeros, type NdArray } from './nd-array.js'

export type Triple = readonly [depth: number, height: number, width: number]

export interface Conv3dOptions {
  /** Default 1. */
  readonly stride?: number | Triple
  /**
   * Default 'same', which keeps the size at stride 1: dilation (k - 1) zeros, half of them before the first voxel; if
   * their number is odd, one more after the last.
   */
  readonly padding?: number | Triple | 'same'
  /** Default 1. */
  readonly dilation?: number | Triple
  /** Default 1. Divides both channel counts. */
  readonly groups?: number
  /** Default 'none'. */
  readonly activation?: 'none' | 'relu' | 'sigmoid'
}

/** input [N, Ci, D, H, W], weight [Co, Ci/groups, kD, kH, kW], bias [Co] or null -> [N, Co, ...]. */
export function forward(
  input: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  options: Conv3dOptions = {},
): NdArray {
  const shape = outputShape(input, weight, options)
  const output = map(zeros(shape), (_, o) => bias?.data[channelOf(shape, o)] ?? 0)
  forEachProduct(input, weight, shape, options, (o, i, w) => {
    output.data[o]! += input.data[i]! * weight.data[w]!
  })
  return map(output, activations[options.activation ?? 'none'].value)
}

/** gradOutput has the shape of the output; the gradients have the shapes of input, weight and bias. */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  options: Conv3dOptions = {},
): { gradInput: NdArray; gradWeight: NdArray; gradBias: NdArray } {
  const gradSum = beforeActivation(gradOutput, input, weight, bias, options)
  const [gradInput, gradWeight] = [zeros(input.shape), zeros(weight.shape)]
  forEachProduct(input, weight, gradSum.shape, options, (o, i, w) => {
    gradInput.data[i]! += gradSum.data[o]! * weight.data[w]!
    gradWeight.data[w]! += gradSum.data[o]! * input.data[i]!
  })

  const gradBias = zeros([gradSum.shape[1]!])
  gradSum.data.forEach((g, o) => (gradBias.data[channelOf(gradSum.shape, o)]! += g))
  return { gradInput, gradWeight, gradBias }
}

/** The gradient with respect to the sum before the activation. */
function beforeActivation(
  gradOutput: NdArray,
  input: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  options: Conv3dOptions,
): NdArray {
  const { activation = 'none' } = options
  if (activation === 'none') return gradOutput
  const output = forward(input, weight, bias, options)
  return map(gradOutput, (g, i) => g * activations[activation].derivative(output.data[i]!))
}

/** Each activation, and its derivative as a function of its value. */
export const activations = {
  none: { value: (x: number) => x, derivative: () => 1 },
  relu: { value: (x: number) => Math.max(x, 0), derivative: (y: number) => (y > 0 ? 1 : 0) },
  sigmoid: { value: (x: number) => 1 / (1 + Math.exp(-x)), derivative: (y: number) => y * (1 - y) },
}

/** Visits every product of the sum above: output[o] += input[i] * weight[w], by the offsets o, i, w. */
function forEachProduct(
  input: NdArray,
  weight: NdArray,
  output: readonly number[],
  options: Conv3dOptions,
  visit: (o: number, i: number, w: number) => void,
): void {
  const [N, , D, H, W] = volumeShape(input)
  const [Co, channelsOfGroup, kD, kH, kW] = volumeShape(weight)
  const { stride, padding, dilation, groups } = resolve(weight, options)
  const outputsOfGroup = Co / groups

  // Output position, then kernel position, axis by axis: an input position outside the volume is a zero.
  for (let n = 0; n < N; n++)
    for (let co = 0; co < Co; co++)
      for (let c = 0; c < channelsOfGroup; c++) {
        const ci = Math.floor(co / outputsOfGroup) * channelsOfGroup + c
        for (let od = 0; od < output[2]!; od++)
          for (let td = 0; td < kD; td++) {
            const d = od * stride[0] - padding[0] + td * dilation[0]
            if (d < 0 || d >= D) continue
            for (let oh = 0; oh < output[3]!; oh++)
              for (let th = 0; th < kH; th++) {
                const h = oh * stride[1] - padding[1] + th * dilation[1]
                if (h < 0 || h >= H) continue
                const outputRow = at(output, n, co, od, oh, 0)
                const inputRow = at(input.shape, n, ci, d, h, 0)
                const weightRow = at(weight.shape, co, c, td, th, 0)
                for (let ow = 0; ow < output[4]!; ow++)
                  for (let tw = 0; tw < kW; tw++) {
                    const w = ow * stride[2] - padding[2] + tw * dilation[2]
                    if (w >= 0 && w < W) visit(outputRow + ow, inputRow + w, weightRow + tw)
                  }
              }
          }
      }
}

function outputShape(input: NdArray, weight: NdArray, options: Conv3dOptions): number[] {
  const [N, Ci, ...extent] = volumeShape(input)
  const [Co, channelsOfGroup, ...kernel] = volumeShape(weight)
  const { stride, zerosOf, dilation, groups } = resolve(weight, options)
  if (channelsOfGroup * groups !== Ci || Co % groups !== 0) {
    throw new UserError(
      `conv3d: ${Ci} input channels in ${groups} groups do not fit weights [${weight.shape.join(', ')}]`,
    )
  }
  const spatial = extent.map(
    (size, axis) =>
      Math.floor((size + zerosOf(axis) - dilation[axis]! * (kernel[axis]! - 1) - 1) / stride[axis]!) + 1,
  )
  if (spatial.some((size) => size < 1)) {
    throw new UserError(`conv3d: the kernel [${kernel.join(', ')}] is larger than the padded input`)
  }
  return [N, Co, ...spatial]
}

function resolve(weight: NdArray, options: Conv3dOptions) {
  const dilation = triple(options.dilation ?? 1)
  const [, , ...kernel] = volumeShape(weight)
  const { padding = 'same' } = options
  const reach = (axis: number) => dilation[axis]! * (kernel[axis]! - 1)
  const same = (axis: number) => Math.floor(reach(axis) / 2)
  return {
    stride: triple(options.stride ?? 1),
    /** Before the first voxel. */
    padding: padding === 'same' ? ([same(0), same(1), same(2)] as const) : triple(padding),
    /** Zeros before the first voxel and after the last. */
    zerosOf: (axis: number) => (padding === 'same' ? reach(axis) : 2 * triple(padding)[axis]!),
    dilation,
    groups: options.groups ?? 1,
  }
}

const triple = (value: number | Triple): Triple => (typeof value === 'number' ? [value, value, value] : value)

/** Whole numbers and a bias of halves: every sum is half a unit (0.025) or more from the kink of a ReLU. */
export function convolutionInputs(draw: Draw, channels: number, outputs: number, kernel: Triple, groups = 1) {
  const whole = (shape: readonly number[]) => map(draw(shape, -5, 5), Math.round)
  return {
    input: whole([2, channels, 3, 5, 4]),
    weight: map(whole([outputs, channels / groups, ...kernel]), (value) => value / 20),
    bias: map(whole([outputs]), (value) => (value + 0.5) / 20),
  }
}

export const gradientCases: GradientCases = (draw) => {
  const sample = (channels: number, outputs: number, kernel: Triple, options: Conv3dOptions = {}) => {
    const inputs = convolutionInputs(draw, channels, outputs, kernel, options.groups)
    return gradientCase(
      inputs,
      (v) => forward(v.input, v.weight, v.bias, options),
      (g) => backward(g, inputs.input, inputs.weight, inputs.bias, options),
    )
  }
  const triples: Conv3dOptions = { stride: [1, 2, 1], padding: [0, 1, 2], dilation: [1, 2, 1] }
  return {
    default: sample(2, 3, [3, 3, 3]),
    'stride 2': sample(2, 3, [3, 3, 3], { stride: 2, padding: 1 }),
    triples: sample(2, 2, [1, 2, 3], triples),
    "an even kernel, 'same'": sample(2, 2, [2, 4, 1], { padding: 'same', dilation: [1, 1, 2] }),
    groups: sample(4, 6, [3, 1, 3], { groups: 2 }),
    'depthwise, dilated': sample(3, 3, [3, 3, 3], { groups: 3, dilation: 2 }),
    relu: sample(2, 2, [3, 3, 3], { activation: 'relu' }),
    sigmoid: sample(2, 2, [3, 3, 3], { activation: 'sigmoid' }),
  }
}
