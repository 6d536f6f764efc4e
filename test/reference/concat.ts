/** Concatenation: along one axis, the output's positions are those of the first input, then of the second, and so on. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { sizeOf, zeros, type NdArray } from './nd-array.js'

/** Inputs that differ in the extent of `axis` only -> the same with the sum of these extents. */
export function forward(inputs: readonly NdArray[], axis = 1): NdArray {
  const total = inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0)
  const output = zeros(inputs[0]!.shape.map((extent, i) => (i === axis ? total : extent)))
  forEachRun(inputs, axis, (from, input, length, to) => {
    output.data.set(input.data.subarray(from, from + length), to)
  })
  return output
}

/** The gradient of the output is cut into one gradient for each of the inputs. */
export function backward(
  gradOutput: NdArray,
  inputs: readonly NdArray[],
  axis = 1,
): { gradInputs: NdArray[] } {
  const gradInputs = inputs.map(({ shape }) => zeros(shape))
  forEachRun(gradInputs, axis, (from, gradInput, length, to) => {
    gradInput.data.set(gradOutput.data.subarray(to, to + length), from)
  })
  return { gradInputs }
}

/** Visits every run of elements that is contiguous in an input (from) and in the output (to). */
function forEachRun(
  inputs: readonly NdArray[],
  axis: number,
  visit: (from: number, input: NdArray, length: number, to: number) => void,
): void {
  let position = 0
  for (let outer = 0; outer < sizeOf(inputs[0]!.shape.slice(0, axis)); outer++) {
    for (const input of inputs) {
      const length = sizeOf(input.shape.slice(axis))
      visit(outer * length, input, length, position)
      position += length
    }
  }
}

export const gradientCases: GradientCases = (draw) => {
  const sample = (axis: number, first: NdArray, second: NdArray) =>
    gradientCase(
      { first, second },
      (v) => forward([v.first, v.second], axis),
      (g) => {
        const [gradFirst, gradSecond] = backward(g, [first, second], axis).gradInputs
        return { gradFirst: gradFirst!, gradSecond: gradSecond! }
      },
    )
  return {
    channels: sample(1, draw([2, 1, 2, 3, 1]), draw([2, 3, 2, 3, 1])),
    rows: sample(3, draw([2, 2, 2, 3, 2]), draw([2, 2, 2, 1, 2])),
  }
}
