/** output[.., o] = sum_i input[.., i] weight[o, i] + bias[o]. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { zeros, type NdArray } from './nd-array.js'

/** input [.., I], weight [O, I], bias [O] or null -> [.., O]. */
export function forward(input: NdArray, weight: NdArray, bias: NdArray | null): NdArray {
  const output = zeros([...input.shape.slice(0, -1), weight.shape[0]!])
  forEachProduct(input, weight, (x, w, out) => {
    output.data[out]! += input.data[x]! * weight.data[w]!
  })
  output.data.forEach((_, i) => (output.data[i]! += bias?.data[i % weight.shape[0]!] ?? 0))
  return output
}

export function backward(
  gradOutput: NdArray,
  input: NdArray,
  weight: NdArray,
): { gradInput: NdArray; gradWeight: NdArray; gradBias: NdArray } {
  const [gradInput, gradWeight] = [zeros(input.shape), zeros(weight.shape)]
  forEachProduct(input, weight, (x, w, out) => {
    gradInput.data[x]! += gradOutput.data[out]! * weight.data[w]!
    gradWeight.data[w]! += gradOutput.data[out]! * input.data[x]!
  })
  const gradBias = zeros([weight.shape[0]!])
  gradOutput.data.forEach((g, i) => (gradBias.data[i % weight.shape[0]!]! += g))
  return { gradInput, gradWeight, gradBias }
}

/** Visits every product of the sum above by the offsets of its factors and of the output. */
function forEachProduct(
  input: NdArray,
  weight: NdArray,
  visit: (x: number, w: number, output: number) => void,
): void {
  const [outputs, inputs] = weight.shape as [number, number]
  for (let row = 0; row < input.data.length / inputs; row++)
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < inputs; i++) visit(row * inputs + i, o * inputs + i, row * outputs + o)
}

export const gradientCases: GradientCases = (draw) => {
  const inputs = { input: draw([2, 3, 5]), weight: draw([4, 5]), bias: draw([4]) }
  return {
    default: gradientCase(
      inputs,
      (v) => forward(v.input, v.weight, v.bias),
      (g) => backward(g, inputs.input, inputs.weight),
    ),
  }
}
