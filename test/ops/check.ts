import { expect } from 'vitest'
import type { Value } from '../../src/graph/value.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { differentiate, type Feeds } from '../gpu.js'
import { dot, map, mulberry32, relativeError, uniform, type NdArray } from '../reference/nd-array.js'

/** Draws arrays of uniform f32 numbers: the device and the float64 reference start from the same ones. */
export type Draw = (shape: readonly number[], low?: number, high?: number) => NdArray

export function drawFrom(seed: number): Draw {
  const random = mulberry32(seed)
  return (shape, low = -1, high = 1) => map(uniform(shape, random, low, high), Math.fround)
}

/** Extents [D, H, W]: one voxel, primes, width 1, one more than a tile of 16, depth 1 with one more than two tiles. */
export const extents = [
  [1, 1, 1],
  [2, 3, 5],
  [7, 11, 13],
  [5, 3, 1],
  [3, 2, 17],
  [1, 5, 33],
] as const

/** One run of an op on the device beside its reference. */
export interface OpCheck {
  /** Named arguments; those of five axes become volumes unless `flat` names them, the others flat parameters. */
  readonly feeds: Feeds
  readonly build: (values: Record<string, Value>) => Value
  /** What the op must return. */
  readonly expected: NdArray
  /** What its backward pass must return for a gradient of the output, by the names of the arguments. */
  readonly backward: (gradOutput: NdArray) => Readonly<Record<string, NdArray>>
  /** Largest relative error ||actual - expected|| / ||expected||. Default 1e-6: a few roundings of f32. */
  readonly tolerance?: number
  /**
   * Where the op saturates, its gradient is what is left of terms as large as the output's gradient, and so are their
   * roundings: gradients are then compared relative to the norm of that where it is larger than their own.
   */
  readonly saturates?: boolean
  readonly flat?: readonly string[]
  readonly seed?: number
}

/** Expects an op's output and gradients to be those of the reference; NaN fails. */
export async function expectReference(gpu: Gpu, check: OpCheck): Promise<void> {
  const {
    feeds,
    build,
    expected,
    backward,
    tolerance = 1e-6,
    saturates = false,
    flat = [],
    seed = 77,
  } = check
  const gradOutput = drawFrom(seed)(expected.shape)
  const gradients = backward(gradOutput)
  const wanted = Object.keys(gradients)
  const results = await differentiate(gpu, feeds, wanted, gradOutput, build, flat)
  expect(relativeError(results.output!, expected), 'output').toBeLessThanOrEqual(tolerance)
  for (const name of wanted) {
    const [actual, wanted] = [results[`grad ${name}`]!, gradients[name]!]
    const scale = saturates ? Math.min(1, norm(wanted) / norm(gradOutput)) : 1
    // A gradient that is 0 throughout has no norm to be relative to.
    const error = scale === 0 ? norm(actual) / norm(gradOutput) : scale * relativeError(actual, wanted)
    expect(error, `gradient of ${name}`).toBeLessThanOrEqual(tolerance)
  }
}

const norm = (array: NdArray): number => Math.sqrt(dot(array, array))

/** Expects two results to hold the same numbers to the last bit, zeros of either sign distinguished; NaN fails. */
export function expectSameBits(actual: NdArray, expected: NdArray, what: string): void {
  expect(actual.shape, what).toEqual(expected.shape)
  const different = expected.data.findIndex(
    (value, i) => !Number.isFinite(value) || !Object.is(actual.data[i], value),
  )
  expect(different, `${what}: first element that differs`).toBe(-1)
}
