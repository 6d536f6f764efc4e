/** a^b, element by element; the two are broadcast to one shape, as in NumPy. */
import { broadcastShape, origin } from './arithmetic.js'
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, zeros, type NdArray } from './nd-array.js'

export function forward(a: NdArray, b: NdArray): NdArray {
  const shape = broadcastShape(a.shape, b.shape)
  return map(zeros(shape), (_, i) => a.data[origin(a.shape, shape, i)]! ** b.data[origin(b.shape, shape, i)]!)
}

/** b a^(b - 1), which is 0 for b = 0, and a^b log(a). */
export function backward(gradOutput: NdArray, a: NdArray, b: NdArray): { gradA: NdArray; gradB: NdArray } {
  const [gradA, gradB] = [zeros(a.shape), zeros(b.shape)]
  gradOutput.data.forEach((g, i) => {
    const [atA, atB] = [origin(a.shape, gradOutput.shape, i), origin(b.shape, gradOutput.shape, i)]
    const [x, n] = [a.data[atA]!, b.data[atB]!]
    gradA.data[atA]! += n === 0 ? 0 : g * n * x ** (n - 1)
    gradB.data[atB]! += g * x ** n * Math.log(x)
  })
  return { gradA, gradB }
}

export const gradientCases: GradientCases = (draw) => {
  const [a, b] = [draw([2, 3, 1, 4], 0.5, 2), draw([3, 5, 1], -2, 2)]
  return {
    'both repeated': gradientCase(
      { a, b },
      (v) => forward(v.a, v.b),
      (g) => backward(g, a, b),
    ),
  }
}
