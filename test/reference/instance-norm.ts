/** Instance normalisation (see `normalise.ts`): a group is the voxels of one channel of one image. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { sizeOf, type NdArray } from './nd-array.js'
import * as normalise from './normalise.js'

const groupOf =
  ({ shape }: NdArray): normalise.GroupOf =>
  (offset) =>
    Math.floor(offset / sizeOf(shape.slice(2)))

/** input [N, C, ...], weight and bias [C] or null -> [N, C, ...]. */
export const forward = (
  input: NdArray,
  weight: NdArray | null,
  bias: NdArray | null,
  epsilon?: number,
): NdArray => normalise.forward(input, groupOf(input), weight, bias, epsilon)

export const backward = (
  gradOutput: NdArray,
  input: NdArray,
  weight: NdArray | null,
  epsilon?: number,
): normalise.Gradients => normalise.backward(gradOutput, input, groupOf(input), weight, epsilon)

export const gradientCases: GradientCases = (draw) => {
  const inputs = { input: draw([2, 3, 3, 5, 4]), weight: draw([3]), bias: draw([3]) }
  const { input } = inputs
  return {
    'with weight and bias': gradientCase(
      inputs,
      (v) => forward(v.input, v.weight, v.bias),
      (g) => backward(g, input, inputs.weight),
    ),
    without: gradientCase(
      { input },
      (v) => forward(v.input, null, null),
      (g) => backward(g, input, null),
    ),
  }
}
