/** output[.., m, n] = sum_k a[.., m, k] b[.., k, n]; the other axes are broadcast as in arithmetic. */
import { origin } from './arithmetic.js'
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { sizeOf, zeros, type NdArray } from './nd-array.js'

/** a [.., M, K], b [.., K, N] -> [.., M, N]. */
export function forward(a: NdArray, b: NdArray): NdArray {
  const output = zeros([...batchOf(a, b), a.shape.at(-2)!, b.shape.at(-1)!])
  forEachProduct(a, b, (i, j, to) => (output.data[to]! += a.data[i]! * b.data[j]!))
  return output
}

export function backward(gradOutput: NdArray, a: NdArray, b: NdArray): { gradA: NdArray; gradB: NdArray } {
  const [gradA, gradB] = [zeros(a.shape), zeros(b.shape)]
  forEachProduct(a, b, (i, j, to) => {
    gradA.data[i]! += gradOutput.data[to]! * b.data[j]!
    gradB.data[j]! += gradOutput.data[to]! * a.data[i]!
  })
  return { gradA, gradB }
}

/** Visits every product of the sum above by the offsets of its factors and of the output. */
function forEachProduct(a: NdArray, b: NdArray, visit: (a: number, b: number, output: number) => void): void {
  const [rows, depth] = a.shape.slice(-2) as [number, number]
  const columns = b.shape.at(-1)!
  const batch = batchOf(a, b)
  for (let n = 0; n < sizeOf(batch); n++) {
    const [atA, atB] = [a, b].map(({ shape }) => origin(shape.slice(0, -2), batch, n)) as [number, number]
    for (let m = 0; m < rows; m++)
      for (let i = 0; i < columns; i++)
        for (let k = 0; k < depth; k++)
          visit((atA * rows + m) * depth + k, (atB * depth + k) * columns + i, (n * rows + m) * columns + i)
  }
}

function batchOf(a: NdArray, b: NdArray): number[] {
  const [first, second] = [a.shape.slice(0, -2), b.shape.slice(0, -2)]
  const rank = Math.max(first.length, second.length)
  return Array.from({ length: rank }, (_, i) =>
    Math.max(first[i - rank + first.length] ?? 1, second[i - rank + second.length] ?? 1),
  )
}

export const gradientCases: GradientCases = (draw) => {
  const sample = (a: NdArray, b: NdArray) =>
    gradientCase(
      { a, b },
      (v) => forward(v.a, v.b),
      (g) => backward(g, a, b),
    )
  return {
    matrices: sample(draw([3, 4]), draw([4, 2])),
    'broadcast batches': sample(draw([2, 1, 3, 4]), draw([3, 4, 2])),
  }
}
