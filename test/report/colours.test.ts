import { describe, expect, it } from 'vitest'
import { classColour, toHex, type Colour } from '../../src/report/colours.js'

type Matrix = readonly (readonly [number, number, number])[]

const normal: Matrix = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]
/** Red-blind and green-blind sight in linear RGB: Machado, Oliveira and Fernandes 2009, severity 1. */
const redBlind: Matrix = [
  [0.152286, 1.052583, -0.204868],
  [0.114503, 0.786281, 0.099216],
  [-0.003882, -0.048116, 1.051998],
]
const greenBlind: Matrix = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.01182, 0.04294, 0.968881],
]
const toXyz: Matrix = [
  [0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505],
  [0.2126, 0.7152, 0.0722],
  [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089],
]

function apply(matrix: Matrix, [x, y, z]: readonly number[]): number[] {
  return matrix.map(([a, b, c]) => a * x! + b * y! + c * z!)
}

/** sRGB -> CIELAB (D65) as seen through `sight`. */
function lab(colour: Colour, sight: Matrix): [number, number, number] {
  const linear = colour.map((v) =>
    v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
  )
  const seen = apply(sight, linear).map((v) => Math.min(Math.max(v, 0), 1))
  const [x, y, z] = apply(toXyz, seen).map((v) => (v > 0.008856 ? Math.cbrt(v) : 7.787 * v + 16 / 116))
  return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)]
}

describe('classColour', () => {
  it.each([
    ['normal', normal, 46],
    ['red-blind', redBlind, 19],
    ['green-blind', greenBlind, 19],
  ] as const)('keeps 14 classes apart for %s sight', (_, sight, apart) => {
    const seen = Array.from({ length: 14 }, (_, c) => lab(classColour(c), sight))
    const distances = seen.flatMap((a, i) =>
      seen.slice(0, i).map((b) => Math.hypot(...a.map((v, k) => v - b[k]!))),
    )
    expect(distances.length).toBe(91)
    expect(Math.min(...distances)).toBeGreaterThan(apart)
  })

  it('gives 64 classes different colours, the background black', () => {
    const colours = Array.from({ length: 64 }, (_, c) => toHex(classColour(c)))
    expect(new Set(colours).size).toBe(64)
    expect(colours.every((colour) => /^#[0-9a-f]{6}$/.test(colour))).toBe(true)
    expect(colours[0]).toBe('#000000')
  })
})
