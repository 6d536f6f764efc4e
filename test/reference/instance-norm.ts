/** Instance normalisation (see `normalise.ts`): a group is the voxels of one channel of one image. */
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
