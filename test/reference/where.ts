/** a where the mask is not 0, b elsewhere; all three are broadcast to one shape, as in NumPy. */
import { broadcastShape, origin } from './arithmetic.js'
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { fromArray, map, zeros, type NdArray } from './nd-array.js'

export function forward(mask: NdArray, a: NdArray, b: NdArray): NdArray {
  const shape = broadcastShape(mask.shape, broadcastShape(a.shape, b.shape))
  const at = (x: NdArray, i: number) => x.data[origin(x.shape, shape, i)]!
  return map(zeros(shape), (_, i) => (at(mask, i) !== 0 ? at(a, i) : at(b, i)))
}

/** Every use of a repeated element adds to its gradient. */
export function backward(
  gradOutput: NdArray,
  mask: NdArray,
  a: NdArray,
  b: NdArray,
): { gradA: NdArray; gradB: NdArray } {
  const [gradA, gradB] = [zeros(a.shape), zeros(b.shape)]
  const { shape } = gradOutput
  gradOutput.data.forEach((g, i) => {
    if (mask.data[origin(mask.shape, shape, i)] !== 0) gradA.data[origin(a.shape, shape, i)]! += g
    else gradB.data[origin(b.shape, shape, i)]! += g
  })
  return { gradA, gradB }
}

export const gradientCases: GradientCases = (draw) => {
  const mask = fromArray([2, 1, 3], [0, 1, -1, 0.5, 0, 0])
  const [a, b] = [draw([4, 1]), draw([2, 4, 3])]
  return {
    'all repeated': gradientCase(
      { a, b },
      (v) => forward(mask, v.a, v.b),
      (g) => backward(g, mask, a, b),
    ),
  }
}
