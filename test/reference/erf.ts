/** Error function. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, type NdArray } from './nd-array.js'

/** 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. */
function erf(x: number): number {
  const z = Math.abs(x)
  return Math.sign(x) * (z < 2 ? series(z) : 1 - fraction(z))
}

/** 1 - erf(z) for z >= 0, without cancellation where erf(z) is nearly 1. */
export function erfc(z: number): number {
  return z < 2 ? 1 - series(z) : fraction(z)
}

/** erf of z >= 0 by its power series. */
function series(z: number): number {
  let [sum, term] = [0, z]
  for (let k = 0; k < 60; k++) {
    sum += term / (2 * k + 1)
    term *= (-z * z) / (k + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

/** erfc of z >= 2 by its continued fraction. */
function fraction(z: number): number {
  let rest = z
  for (let k = 200; k > 0; k--) rest = z + k / 2 / rest
  return Math.exp(-z * z) / (Math.sqrt(Math.PI) * rest)
}

export const forward = (input: NdArray): NdArray => map(input, erf)

/** gradInput = gradOutput 2 / sqrt(pi) e^(-x^2). */
export const backward = (gradOutput: NdArray, input: NdArray): { gradInput: NdArray } => ({
  gradInput: map(gradOutput, (g, i) => (g * 2 * Math.exp(-(input.data[i]! ** 2))) / Math.sqrt(Math.PI)),
})

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 3, 1, 5, 2], -3, 3)
  return {
    erf: gradientCase(
      { input },
      (v) => forward(v.input),
      (g) => backward(g, input),
    ),
  }
}
