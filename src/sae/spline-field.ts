import type { SpatialShape } from './shape.js'

/** Where the samples of a volume lie among the control points of a uniform cubic B-spline, along each axis. */
export class SplineGrid {
  /** Control points along D, H, W. */
  readonly knots: SpatialShape
  /** Of each axis: the cell that a sample lies in, which is also the first of its four control points. */
  readonly cells: readonly Int32Array[]
  /** Of each axis: the four weights of each sample. */
  readonly weights: readonly Float64Array[]

  /**
   * @param shape samples along D, H, W
   * @param spans cells along D, H, W, above 0, not necessarily whole; the samples are the centres of equal parts of them
   */
  constructor(
    readonly shape: SpatialShape,
    spans: SpatialShape,
  ) {
    const axes = shape.map((n, axis) => sampleAxis(n, spans[axis]!))
    this.cells = axes.map(({ cells }) => cells)
    this.weights = axes.map(({ weights }) => weights)
    this.knots = spans.map((span) => Math.ceil(span) + 3) as [number, number, number]
  }

  /** The grid whose control points lie `spacing` samples apart along each axis. */
  static spaced(shape: SpatialShape, spacing: SpatialShape): SplineGrid {
    return new SplineGrid(shape, [shape[0] / spacing[0], shape[1] / spacing[1], shape[2] / spacing[2]])
  }
}

function sampleAxis(n: number, span: number): { cells: Int32Array; weights: Float64Array } {
  const cells = new Int32Array(n)
  const weights = new Float64Array(4 * n)
  for (let i = 0; i < n; i++) {
    const position = ((i + 0.5) / n) * span
    cells[i] = Math.floor(position)
    weights.set(splineWeights(position - cells[i]!), 4 * i)
  }
  return { cells, weights }
}

/** Cubic B-spline weights of the four control points about a position `t`, 0..1, within its cell. */
function splineWeights(t: number): [number, number, number, number] {
  const u = 1 - t
  return [
    (u * u * u) / 6,
    (3 * t * t * t - 6 * t * t + 4) / 6,
    (3 * u * u * u - 6 * u * u + 4) / 6,
    (t * t * t) / 6,
  ]
}

/** Makes the mean variance 1: the squared weights of one axis sum to 0.479 on average, and 0.479^(-3/2) = 3.01. */
const splineGain = 3.01

/**
 * A smooth field over a volume: a cubic B-spline (twice continuously differentiable) through a coarse grid of control
 * points, evaluated row by row. Rows of the same plane share work, so go through planes in order.
 */
export class SplineField {
  private readonly plane: Float64Array
  private readonly line: Float64Array
  private planeIndex = -1

  /** @param values at the control points, [knots D, knots H, knots W] */
  constructor(
    private readonly grid: SplineGrid,
    private readonly values: Float64Array,
  ) {
    const [, rows, columns] = grid.knots
    this.plane = new Float64Array(rows * columns)
    this.line = new Float64Array(columns)
  }

  /**
   * Independent values at the control points, scaled so that the field has a standard deviation of about `deviation`.
   *
   * @param normal gives the next normal number
   */
  static random(normal: () => number, grid: SplineGrid, deviation = 1): SplineField {
    const [a, b, c] = grid.knots
    const values = new Float64Array(a * b * c)
    for (let i = 0; i < values.length; i++) values[i] = normal() * (splineGain * deviation)
    return new SplineField(grid, values)
  }

  /** Writes the samples `start` to `stop` (exclusive) of row (d, h) to their places in `out`; by default all of them. */
  row(d: number, h: number, out: Float64Array | Float32Array, start = 0, stop = this.grid.shape[2]): void {
    const { cells, weights, knots } = this.grid
    const columns = knots[2]
    if (d !== this.planeIndex) {
      combine(this.values, cells[0]![d]! * this.plane.length, weights[0]!, d, this.plane)
      this.planeIndex = d
    }
    combine(this.plane, cells[1]![h]! * columns, weights[1]!, h, this.line)
    const [line, cell, weight] = [this.line, cells[2]!, weights[2]!]
    for (let w = start; w < stop;) {
      const k = cell[w]!
      const [p, q, r, s] = [line[k]!, line[k + 1]!, line[k + 2]!, line[k + 3]!]
      for (; w < stop && cell[w] === k; w++) {
        const t = 4 * w
        out[w] = weight[t]! * p + weight[t + 1]! * q + weight[t + 2]! * r + weight[t + 3]! * s
      }
    }
  }
}

/** The weighted sum of four consecutive blocks of `from`, each as long as `out`; `sample` chooses the weights. */
function combine(
  from: Float64Array,
  start: number,
  weights: Float64Array,
  sample: number,
  out: Float64Array,
): void {
  const n = out.length
  const t = 4 * sample
  const [a, b, c, d] = [weights[t]!, weights[t + 1]!, weights[t + 2]!, weights[t + 3]!]
  for (let i = 0, at = start; i < n; i++, at++) {
    out[i] = a * from[at]! + b * from[at + n]! + c * from[at + 2 * n]! + d * from[at + 3 * n]!
  }
}
