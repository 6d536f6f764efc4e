/** Convolutions of images and signals: those of volumes with a depth, and a height, of 1. */
import * as transposed from './conv-transpose3d.js'
import * as convolution from './conv3d.js'
import type { Triple } from './conv3d.js'
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { fromArray, type NdArray } from './nd-array.js'

/** Settings along the axes of the kernel. */
export interface Options {
  readonly stride?: readonly number[]
  readonly padding?: readonly number[]
  readonly dilation?: readonly number[]
  readonly outputPadding?: readonly number[]
  readonly groups?: number
}

/** input [N, Ci, 1, H, W] or [N, Ci, 1, 1, L], weight [Co, Ci/groups, ...kernel], bias [Co]. */
export function forward(input: NdArray, weight: NdArray, bias: NdArray | null, options: Options): NdArray {
  return convolution.forward(input, inSpace(weight), bias, settings(options))
}

export function backward(
  gradOutput: NdArray,
  input: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  options: Options,
) {
  const grads = convolution.backward(gradOutput, input, inSpace(weight), bias, settings(options))
  return { ...grads, gradWeight: fromArray(weight.shape, grads.gradWeight.data) }
}

/** The same transposed, weight [Ci, Co/groups, ...kernel]. */
export function transposedForward(
  input: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  options: Options,
): NdArray {
  return transposed.forward(input, inSpace(weight), bias, settings(options))
}

export function transposedBackward(gradOutput: NdArray, input: NdArray, weight: NdArray, options: Options) {
  const grads = transposed.backward(gradOutput, input, inSpace(weight), settings(options))
  return { ...grads, gradWeight: fromArray(weight.shape, grads.gradWeight.data) }
}

const padded = (numbers: readonly number[] = [], neutral: number): Triple =>
  [neutral, neutral, neutral, ...numbers].slice(-3) as [number, number, number]

const inSpace = ({ shape: [co, ci, ...kernel], data }: NdArray): NdArray =>
  fromArray([co!, ci!, ...padded(kernel, 1)], data)

function settings({ stride, padding, dilation, outputPadding, groups = 1 }: Options) {
  return {
    stride: padded(stride, 1),
    padding: padded(padding, 0),
    dilation: padded(dilation, 1),
    outputPadding: padded(outputPadding, 0),
    groups,
  }
}

export const gradientCases: GradientCases = (draw) => {
  const [input, weight, bias] = [draw([2, 2, 1, 5, 4]), draw([3, 2, 3, 2]), draw([3])]
  const back = draw([2, 3, 2, 2])
  const options = { stride: [2, 1], padding: [1, 0] }
  const more = { stride: [2, 2], outputPadding: [1, 0] }
  return {
    'conv2d with a stride': gradientCase(
      { input, weight, bias },
      (v) => forward(v.input, v.weight, v.bias, options),
      (g) => backward(g, input, weight, bias, options),
    ),
    'conv_transpose2d with a stride': gradientCase(
      { input, weight: back, bias },
      (v) => transposedForward(v.input, v.weight, v.bias, more),
      (g) => transposedBackward(g, input, back, more),
    ),
  }
}
