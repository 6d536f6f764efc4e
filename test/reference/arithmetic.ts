/** Arithmetic and comparisons of two arrays that are broadcast to one shape, as in NumPy. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, sizeOf, zeros, type NdArray } from './nd-array.js'

/** The operations and their slopes with respect to a and b. */
export const operations = {
  add: { f: (a: number, b: number) => a + b, slopes: () => [1, 1] },
  subtract: { f: (a: number, b: number) => a - b, slopes: () => [1, -1] },
  multiply: { f: (a: number, b: number) => a * b, slopes: (a: number, b: number) => [b, a] },
  divide: { f: (a: number, b: number) => a / b, slopes: (a: number, b: number) => [1 / b, -a / (b * b)] },
  minimum: {
    f: Math.min,
    slopes: (a: number, b: number) => (a === b ? [0.5, 0.5] : a < b ? [1, 0] : [0, 1]),
  },
  maximum: {
    f: Math.max,
    slopes: (a: number, b: number) => (a === b ? [0.5, 0.5] : a > b ? [1, 0] : [0, 1]),
  },
} satisfies Record<string, { f: unknown; slopes: unknown }>

/** 1 where they hold, else 0; their slopes are 0. */
export const comparisons = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  greater: (a, b) => a > b,
  greaterEqual: (a, b) => a >= b,
  less: (a, b) => a < b,
  lessEqual: (a, b) => a <= b,
} satisfies Record<string, (a: number, b: number) => boolean>

export type Name = keyof typeof operations

/** a and b -> the shape that both can be broadcast to. */
export function forward(name: Name, a: NdArray, b: NdArray): NdArray {
  return combine(operations[name].f, a, b)
}

export function compare(name: keyof typeof comparisons, a: NdArray, b: NdArray): NdArray {
  return combine((x, y) => Number(comparisons[name](x, y)), a, b)
}

function combine(f: (a: number, b: number) => number, a: NdArray, b: NdArray): NdArray {
  const shape = broadcastShape(a.shape, b.shape)
  return map(zeros(shape), (_, i) =>
    f(a.data[origin(a.shape, shape, i)]!, b.data[origin(b.shape, shape, i)]!),
  )
}

/** Every use of a repeated element adds to its gradient. */
export function backward(
  name: Name,
  gradOutput: NdArray,
  a: NdArray,
  b: NdArray,
): { gradA: NdArray; gradB: NdArray } {
  const [gradA, gradB] = [zeros(a.shape), zeros(b.shape)]
  gradOutput.data.forEach((g, i) => {
    const [atA, atB] = [origin(a.shape, gradOutput.shape, i), origin(b.shape, gradOutput.shape, i)]
    const [slopeA, slopeB] = operations[name].slopes(a.data[atA]!, b.data[atB]!)
    gradA.data[atA]! += g * slopeA!
    gradB.data[atB]! += g * slopeB!
  })
  return { gradA, gradB }
}

export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) =>
    Math.max(a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1),
  )
}

/** The offset in an array of shape `of` of the element that is repeated at offset `i` of an array of shape `to`. */
export function origin(of: readonly number[], to: readonly number[], i: number): number {
  let offset = 0
  of.forEach((extent, axis) => {
    const inside = sizeOf(to.slice(to.length - of.length + axis + 1))
    const extentTo = to[to.length - of.length + axis]!
    offset = offset * extent + (extent === 1 ? 0 : Math.floor(i / inside) % extentTo)
  })
  return offset
}

export const gradientCases: GradientCases = (draw) => {
  const sample = (name: Name, a: NdArray, b: NdArray) =>
    gradientCase(
      { a, b },
      (v) => forward(name, v.a, v.b),
      (g) => backward(name, g, a, b),
    )
  return Object.fromEntries(
    (Object.keys(operations) as Name[]).flatMap((name) => [
      [`${name}: both repeated`, sample(name, draw([2, 3, 1, 4], 0.5, 2), draw([3, 5, 1], 0.5, 2))],
      [`${name}: a number`, sample(name, draw([1], 0.5, 2), draw([2, 3], 0.5, 2))],
    ]),
  )
}
