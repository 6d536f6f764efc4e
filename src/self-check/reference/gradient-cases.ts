/** Sample cases for a reference: its backward function is compared with central differences at each. */
import { zeros, type NdArray } from './nd-array.js'

/** Draws an array of uniform numbers in [low, high), by default [-1, 1). */
export type Draw = (shape: readonly number[], low?: number, high?: number) => NdArray

/** A function of one argument, with all others fixed, and its gradient. */
export interface ArgumentCase {
  readonly name: string
  readonly f: (x: NdArray) => NdArray
  /** The point, at least a few steps of 1e-5 away from any kink of f. */
  readonly x: NdArray
  readonly backward: (gradOutput: NdArray) => NdArray
}

/** What a reference with a backward function exports as `gradientCases`. */
export type GradientCases = (draw: Draw) => Readonly<Record<string, readonly ArgumentCase[]>>

/** Gradients, named as references return them: `gradInput` for `input`. */
type GradientsOf<Name extends string> = Readonly<Record<`grad${Capitalize<Name>}`, NdArray>>

/**
 * A case for each of some arguments, given by name.
 *
 * @param backward the gradients of all of them, at `inputs`
 */
export function gradientCase<Name extends string>(
  inputs: Readonly<Record<Name, NdArray>>,
  forward: (inputs: Readonly<Record<Name, NdArray>>) => NdArray,
  backward: (gradOutput: NdArray) => GradientsOf<Name>,
): readonly ArgumentCase[] {
  return (Object.keys(inputs) as Name[]).map((name) => ({
    name,
    f: (x) => forward({ ...inputs, [name]: x }),
    x: inputs[name],
    backward: (gradOutput) => {
      const key = `grad${name[0]!.toUpperCase()}${name.slice(1)}` as keyof GradientsOf<Name>
      return backward(gradOutput)[key]
    },
  }))
}

/** The numbers 0 .. n-1 in random order, so that any two differ by at least 1. */
export function shuffled(shape: readonly number[], draw: Draw): NdArray {
  const keys = draw(shape).data
  const result = zeros(shape)
  const order = [...keys.keys()].sort((a, b) => keys[a]! - keys[b]!)
  order.forEach((at, rank) => (result.data[at] = rank))
  return result
}
