import type { SpatialShape } from '../shape.js'

/** About this many voxels suffice for a few dozen coefficients. */
const sampledVoxels = 30_000

/**
 * Voxels below this share of the scan's root mean square, such as those outside a brain mask, look the same under any
 * field.
 */
const leastIntensity = 0.01

/** Where to compute a field that was fitted on a grid of blocks of voxels: on the grid of the voxels. */
export interface FinerGrid {
  /** [D, H, W] in voxels. */
  readonly shape: SpatialShape
  /** Edge length of a block, in voxels. */
  readonly block: number
  /** The first voxel of the first block; the field continues beyond the blocks, mirrored at their ends. */
  readonly start: SpatialShape
}

/**
 * A smooth multiplicative field: log field(d, h, w) is a sum of products of cosines
 *
 *   cos(pi a (d + 1/2) / D) cos(pi b (h + 1/2) / H) cos(pi c (w + 1/2) / W),   0 < a + b + c <= order,
 *
 * each minus its mean over the voxels that are not (nearly) 0. So the mean of log field is 0 there, and with it the
 * Jacobian of the likelihood: otherwise, a field that only darkens the scan would make it more likely.
 */
export class BiasField {
  private readonly terms: readonly (readonly [number, number, number])[]
  private readonly cosines: readonly [Float64Array[], Float64Array[], Float64Array[]]
  /** Voxels of a regular subsample that are not 0, and the value of each term at each of them. */
  private readonly samples: readonly number[]
  private readonly design: Float64Array
  private readonly means: Float64Array
  private readonly coefficients: Float64Array

  /**
   * A field of 1.
   *
   * @param scan [D, H, W]
   * @param order largest total order of a product, 1 to 4
   */
  constructor(
    scan: Float32Array,
    private readonly shape: SpatialShape,
    order: number,
  ) {
    const along = (n: number): Float64Array[] => cosines(Math.min(order + 1, n), n, n)
    this.cosines = [along(shape[0]), along(shape[1]), along(shape[2])]
    const [alongD, alongH, alongW] = this.cosines
    this.terms = alongD.flatMap((_, a) =>
      alongH.flatMap((_, b) =>
        alongW.flatMap((_, c) => (a + b + c > 0 && a + b + c <= order ? [[a, b, c] as const] : [])),
      ),
    )
    const n = this.terms.length
    const least = leastIntensity * rootMeanSquare(scan)
    this.samples = regularSample(shape).filter((voxel) => Math.abs(scan[voxel]!) > least)
    this.design = new Float64Array(this.samples.length * n)
    this.means = new Float64Array(n)
    this.coefficients = new Float64Array(n)
    const [, H, W] = shape
    this.samples.forEach((voxel, s) => {
      const [d, h, w] = [Math.trunc(voxel / (H * W)), Math.trunc(voxel / W) % H, voxel % W]
      this.terms.forEach(([a, b, c], i) => {
        const value = alongD[a]![d]! * alongH[b]![h]! * alongW[c]![w]!
        this.design[s * n + i] = value
        this.means[i]! += value / this.samples.length
      })
    })
    for (let at = 0; at < this.design.length; at++) this.design[at]! -= this.means[at % n]!
  }

  /**
   * Refits the field by one Gauss-Newton step of weighted least squares over the samples,
   *
   *   minimise sum precision (corrected (1 - change of log field) - expected)^2.
   *
   * @param corrected intensity at a voxel, divided by the present field
   * @param expected the mixture's mean there
   * @param precision one over its variance
   */
  refit(
    corrected: Float32Array,
    expected: (voxel: number) => number,
    precision: (voxel: number) => number,
  ): void {
    const n = this.terms.length
    const normal = new Float64Array(n * n)
    const right = new Float64Array(n)
    this.samples.forEach((voxel, s) => {
      const y = corrected[voxel]!
      const row = this.design.subarray(s * n, (s + 1) * n)
      const weight = precision(voxel) * y
      const residual = weight * (y - expected(voxel))
      for (let i = 0; i < n; i++) {
        right[i]! += residual * row[i]!
        const weighted = weight * y * row[i]!
        for (let j = 0; j <= i; j++) normal[i * n + j]! += weighted * row[j]!
      }
    })
    solve(normal, right).forEach((change, i) => (this.coefficients[i]! += change))
  }

  /**
   * The field at every voxel, [D, H, W]; the scan divided by it is corrected.
   *
   * @param finer grid to compute it on. Default: the scan's
   */
  values(finer?: FinerGrid): Float32Array {
    const { shape, block, start } = finer ?? { shape: this.shape, block: 1, start: [0, 0, 0] as const }
    const [D, H, W] = shape
    const along = (axis: 0 | 1 | 2): Float64Array[] =>
      finer
        ? cosines(this.cosines[axis].length, shape[axis], this.shape[axis] * block, start[axis])
        : this.cosines[axis]
    const [alongD, alongH, alongW] = [along(0), along(1), along(2)]
    const field = new Float32Array(D * H * W)
    const offset = this.means.reduce((sum, mean, i) => sum + this.coefficients[i]! * mean, 0)
    const perRow = new Float64Array(alongW.length)
    for (let d = 0, at = 0; d < D; d++) {
      for (let h = 0; h < H; h++) {
        perRow.fill(0)
        this.terms.forEach(([a, b, c], i) => {
          perRow[c]! += this.coefficients[i]! * alongD[a]![d]! * alongH[b]![h]!
        })
        for (let w = 0; w < W; w++, at++) {
          let sum = -offset
          for (let c = 0; c < perRow.length; c++) sum += perRow[c]! * alongW[c]![w]!
          field[at] = Math.exp(sum)
        }
      }
    }
    return field
  }
}

/** The first cosines of `period` voxels at those from `-start` on, [count][length]. */
function cosines(count: number, length: number, period: number, start = 0): Float64Array[] {
  return Array.from({ length: count }, (_, a) =>
    Float64Array.from({ length }, (_, i) => Math.cos((Math.PI * a * (i - start + 0.5)) / period)),
  )
}

function rootMeanSquare(scan: Float32Array): number {
  return Math.sqrt(scan.reduce((sum, value) => sum + value ** 2, 0) / scan.length)
}

/** Every n-th voxel along each axis, from the middle of a step on. */
function regularSample(shape: SpatialShape): number[] {
  const [D, H, W] = shape
  const step = Math.max(1, Math.floor(Math.cbrt((D * H * W) / sampledVoxels)))
  const along = (n: number): number[] => {
    const first = Math.min(step >> 1, n - 1)
    return Array.from({ length: Math.ceil((n - first) / step) }, (_, i) => first + i * step)
  }
  const [rows, columns] = [along(H), along(W)]
  return along(D).flatMap((d) => rows.flatMap((h) => columns.map((w) => (d * H + h) * W + w)))
}

/**
 * Solves a symmetric positive semidefinite system by Cholesky's method, a millionth of the mean diagonal added.
 *
 * @param matrix its lower triangle, row-major; overwritten
 * @returns zeros if the matrix is zero
 */
function solve(matrix: Float64Array, right: Float64Array): Float64Array {
  const n = right.length
  const solution = Float64Array.from(right)
  let trace = 0
  for (let i = 0; i < n; i++) trace += matrix[i * n + i]!
  if (!(trace > 0)) return solution.fill(0)
  for (let i = 0; i < n; i++) {
    matrix[i * n + i]! += (1e-6 * trace) / n
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!
      for (let k = 0; k < j; k++) sum -= matrix[i * n + k]! * matrix[j * n + k]!
      matrix[i * n + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * n + j]!
    }
    for (let k = 0; k < i; k++) solution[i]! -= matrix[i * n + k]! * solution[k]!
    solution[i]! /= matrix[i * n + i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) solution[i]! -= matrix[k * n + i]! * solution[k]!
    solution[i]! /= matrix[i * n + i]!
  }
  return solution
}
