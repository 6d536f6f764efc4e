/** Concatenation over channels: the output's channels are those of the first input, then of the second, and so on. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { sizeOf, zeros, type NdArray } from './nd-array.js'

/** inputs [N, Ci, ...], equal but for Ci -> [N, sum of Ci, ...]. */
export function forward(inputs: readonly NdArray[]): NdArray {
  const [batch, , ...spatial] = inputs[0]!.shape
  const channels = inputs.reduce((sum, { shape }) => sum + shape[1]!, 0)
  const output = zeros([batch!, channels, ...spatial])
  let position = 0
  for (let n = 0; n < batch!; n++) {
    for (const { shape, data } of inputs) {
      // One image of one input is contiguous in both arrays.
      const length = sizeOf(shape.slice(1))
      output.data.set(data.subarray(n * length, (n + 1) * length), position)
      position += length
    }
  }
  return output
}

/** gradOutput [N, sum of Ci, ...] is cut into one gradient for each of the inputs. */
export function backward(gradOutput: NdArray, inputs: readonly NdArray[]): { gradInputs: NdArray[] } {
  const gradInputs = inputs.map(({ shape }) => zeros(shape))
  let position = 0
  for (let n = 0; n < gradOutput.shape[0]!; n++) {
    for (const { shape, data } of gradInputs) {
      const length = sizeOf(shape.slice(1))
      data.set(gradOutput.data.subarray(position, position + length), n * length)
      position += length
    }
  }
  return { gradInputs }
}

export const gradientCases: GradientCases = (draw) => {
  const [first, second] = [draw([2, 1, 2, 3, 1]), draw([2, 3, 2, 3, 1])]
  return {
    default: gradientCase(
      { first, second },
      (v) => forward([v.first, v.second]),
      (g) => {
        const [gradFirst, gradSecond] = backward(g, [first, second]).gradInputs
        return { gradFirst: gradFirst!, gradSecond: gradSecond! }
      },
    ),
  }
}
