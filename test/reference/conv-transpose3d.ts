/**
 * Transposed 3-D convolution: every input voxel adds the kernel times its value to the output.
 *
 *   out[n, o, y stride - padding + t dilation] += input[n, i, y] weight[i, o', t],   out[n, o, .] = bias[o] before
 *
 * with y an input position, t a kernel position (both triples D, H, W), o' the channel o counted within its group, and i
 * the input channels of that group. What falls outside the output is left away. The output has
 * (D - 1) stride - 2 padding + dilation (k - 1) + outputPadding + 1 voxels along an axis.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { at, channelOf, map, volumeShape, zeros, type NdArray } from './nd-array.js'
import type { Triple } from './conv3d.js'

export interface ConvTranspose3dOptions {
  /** Default 1. */
  readonly stride?: number | Triple
  /** Default 0. */
  readonly padding?: number | Triple
  /** Default 0. */
  readonly outputPadding?: number | Triple
  /** Default 1. */
  readonly dilation?: number | Triple
  /** Default 1. Divides both channel counts. */
  readonly groups?: number
}

/** input [N, Ci, D, H, W], weight [Ci, Co/groups, kD, kH, kW], bias [Co] or null -> [N, Co, ...]. */
export function forward(
  input: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  options: ConvTranspose3dOptions = {},
): NdArray {
  const shape = outputShape(input, weight, options)
  const output = map(zeros(shape), (_, o) => bias?.data[channelOf(shape, o)] ?? 0)
  forEachProduct(input, weight, shape, options, (o, i, w) => {
    output.data[o]! += input.data[i]! * weight.data[w]!
  })
  return output
}

/** gradOutput has the shape of the output; the gradients those of input, weight and bias. */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  weight: NdArray,
  options: ConvTranspose3dOptions = {},
): { gradInput: NdArray; gradWeight: NdArray; gradBias: NdArray } {
  const [gradInput, gradWeight] = [zeros(input.shape), zeros(weight.shape)]
  forEachProduct(input, weight, gradOutput.shape, options, (o, i, w) => {
    gradInput.data[i]! += gradOutput.data[o]! * weight.data[w]!
    gradWeight.data[w]! += gradOutput.data[o]! * input.data[i]!
  })
  const gradBias = zeros([gradOutput.shape[1]!])
  gradOutput.data.forEach((g, o) => (gradBias.data[channelOf(gradOutput.shape, o)]! += g))
  return { gradInput, gradWeight, gradBias }
}

/** Visits every product of the sum above: output[o] += input[i] * weight[w], by the offsets o, i, w. */
function forEachProduct(
  input: NdArray,
  weight: NdArray,
  output: readonly number[],
  options: ConvTranspose3dOptions,
  visit: (o: number, i: number, w: number) => void,
): void {
  const [N, Ci, D, H, W] = volumeShape(input)
  const [, outputsOfGroup, kD, kH, kW] = volumeShape(weight)
  const { stride, padding, dilation, groups } = resolve(options)
  const inputsOfGroup = Ci / groups
  const [, , oD, oH, oW] = output as [number, number, number, number, number]
  const inside = (position: number, extent: number) => position >= 0 && position < extent
  for (let n = 0; n < N; n++)
    for (let ci = 0; ci < Ci; ci++)
      for (let c = 0; c < outputsOfGroup; c++) {
        const co = Math.floor(ci / inputsOfGroup) * outputsOfGroup + c
        for (let d = 0; d < D; d++)
          for (let h = 0; h < H; h++)
            for (let w = 0; w < W; w++)
              for (let td = 0; td < kD; td++)
                for (let th = 0; th < kH; th++)
                  for (let tw = 0; tw < kW; tw++) {
                    const od = d * stride[0] - padding[0] + td * dilation[0]
                    const oh = h * stride[1] - padding[1] + th * dilation[1]
                    const ow = w * stride[2] - padding[2] + tw * dilation[2]
                    if (!inside(od, oD) || !inside(oh, oH) || !inside(ow, oW)) continue
                    visit(
                      at(output, n, co, od, oh, ow),
                      at(input.shape, n, ci, d, h, w),
                      at(weight.shape, ci, c, td, th, tw),
                    )
                  }
      }
}

function outputShape(input: NdArray, weight: NdArray, options: ConvTranspose3dOptions): number[] {
  const [N, , ...extent] = volumeShape(input)
  const [, outputsOfGroup, ...kernel] = volumeShape(weight)
  const { stride, padding, outputPadding, dilation, groups } = resolve(options)
  const spatial = extent.map(
    (size, axis) =>
      (size - 1) * stride[axis]! -
      2 * padding[axis]! +
      dilation[axis]! * (kernel[axis]! - 1) +
      outputPadding[axis]! +
      1,
  )
  return [N, outputsOfGroup * groups, ...spatial]
}

function resolve(options: ConvTranspose3dOptions) {
  return {
    stride: triple(options.stride ?? 1),
    padding: triple(options.padding ?? 0),
    outputPadding: triple(options.outputPadding ?? 0),
    dilation: triple(options.dilation ?? 1),
    groups: options.groups ?? 1,
  }
}

const triple = (value: number | Triple): Triple => (typeof value === 'number' ? [value, value, value] : value)

export const gradientCases: GradientCases = (draw) => {
  const sample = (channels: number, outputs: number, options: ConvTranspose3dOptions = {}) => {
    const inputs = {
      input: draw([2, channels, 3, 2, 4]),
      weight: draw([channels, outputs / (options.groups ?? 1), 3, 2, 3]),
      bias: draw([outputs]),
    }
    return gradientCase(
      inputs,
      (v) => forward(v.input, v.weight, v.bias, options),
      (g) => backward(g, inputs.input, inputs.weight, options),
    )
  }
  const triples: ConvTranspose3dOptions = { stride: [1, 2, 3], padding: [0, 1, 0], dilation: [2, 1, 1] }
  return {
    default: sample(2, 3),
    'stride 2, one more voxel': sample(2, 3, { stride: 2, padding: 1, outputPadding: 1 }),
    'groups, triples': sample(4, 6, { groups: 2, ...triples }),
  }
}
