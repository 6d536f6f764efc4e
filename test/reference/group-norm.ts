/** Group normalisation (see `normalise.ts`): a group is the voxels of C / groups channels in a row of one image. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { sizeOf, type NdArray } from './nd-array.js'
import * as normalise from './normalise.js'

const groupOf =
  ({ shape }: NdArray, groups: number): normalise.GroupOf =>
  (offset) =>
    Math.floor(offset / ((sizeOf(shape.slice(2)) * shape[1]!) / groups))

/** input [N, C, ...], weight and bias [C] or null -> [N, C, ...]. */
export const forward = (
  input: NdArray,
  groups: number,
  weight: NdArray | null,
  bias: NdArray | null,
  epsilon?: number,
): NdArray => normalise.forward(input, groupOf(input, groups), weight, bias, epsilon)

export const backward = (
  gradOutput: NdArray,
  input: NdArray,
  groups: number,
  weight: NdArray | null,
  epsilon?: number,
): normalise.Gradients => normalise.backward(gradOutput, input, groupOf(input, groups), weight, epsilon)

export const gradientCases: GradientCases = (draw) => {
  const inputs = { input: draw([2, 4, 3, 5, 2]), weight: draw([4]), bias: draw([4]) }
  return {
    default: gradientCase(
      inputs,
      (v) => forward(v.input, 2, v.weight, v.bias),
      (g) => backward(g, inputs.input, 2, inputs.weight),
    ),
  }
}
