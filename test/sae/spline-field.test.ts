import { describe, expect, it } from 'vitest'
import { Random } from '../../src/sae/phantom/random.js'
import type { SpatialShape } from '../../src/sae/shape.js'
import { SplineField, SplineGrid } from '../../src/sae/spline-field.js'

/** The cubic B-spline about 0, from its definition. */
function bump(t: number): number {
  const x = Math.abs(t)
  if (x < 1) return (4 - 6 * x * x + 3 * x ** 3) / 6
  return x < 2 ? (2 - x) ** 3 / 6 : 0
}

/** The sum over all control points of their value times the product of three bumps. */
function naiveField(values: Float64Array, knots: SpatialShape, position: SpatialShape): number {
  let sum = 0
  for (let a = 0, at = 0; a < knots[0]; a++) {
    for (let b = 0; b < knots[1]; b++) {
      for (let c = 0; c < knots[2]; c++, at++) {
        // Control point 1 is at the beginning of the first cell.
        sum += values[at]! * bump(position[0] - a + 1) * bump(position[1] - b + 1) * bump(position[2] - c + 1)
      }
    }
  }
  return sum
}

describe('SplineField', () => {
  it.each<[SpatialShape, SpatialShape]>([
    [
      [5, 7, 11],
      [2, 3, 4],
    ],
    [
      [3, 1, 13],
      [0.3, 0.01, 2.6],
    ],
    [
      [1, 1, 1],
      [1, 1, 1],
    ],
  ])('over %j with %j cells is the sum over all control points', (shape, spans) => {
    const grid = new SplineGrid(shape, spans)
    const random = new Random(3)
    const values = Float64Array.from({ length: grid.knots[0] * grid.knots[1] * grid.knots[2] }, () =>
      random.normal(),
    )
    const field = new SplineField(grid, values)
    const row = new Float64Array(shape[2])
    for (let d = 0; d < shape[0]; d++) {
      for (let h = 0; h < shape[1]; h++) {
        field.row(d, h, row)
        row.forEach((value, w) => {
          const position = [d, h, w].map((i, axis) => ((i + 0.5) / shape[axis]!) * spans[axis]!)
          const expected = naiveField(values, grid.knots, position as [number, number, number])
          expect(Math.abs(value - expected)).toBeLessThan(1e-12)
        })
      }
    }
  })

  it('gives rows in any order', () => {
    const grid = SplineGrid.spaced([4, 4, 9], [2, 2, 2])
    const field = SplineField.random(new Random(1).uniform, grid)
    const row = (d: number, h: number): Float64Array => {
      const out = new Float64Array(9)
      field.row(d, h, out)
      return out
    }
    const forwards = [row(0, 1), row(3, 2)]
    expect([row(3, 2), row(0, 1)].reverse()).toEqual(forwards)
  })

  it('has the deviation asked for, over many fields', () => {
    const grid = SplineGrid.spaced([16, 16, 16], [4, 4, 4])
    const random = new Random(5)
    const row = new Float64Array(16)
    let [squares, count] = [0, 0]
    for (let k = 0; k < 100; k++) {
      const field = SplineField.random(() => random.normal(), grid, 2.5)
      for (let d = 0; d < 16; d++) {
        field.row(d, 5, row)
        row.forEach((value) => (squares += value * value))
        count += 16
      }
    }
    expect(Math.sqrt(squares / count)).toBeCloseTo(2.5, 0)
    expect(Math.abs(Math.sqrt(squares / count) / 2.5 - 1)).toBeLessThan(0.07)
  })
})
