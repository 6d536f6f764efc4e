/**
 * A smooth multiplicative field, log f = sum_j a_j term_j, and its refit in expectation maximisation. The terms are products
 * of cosines, cos(pi a (d + 1/2) / D) cos(pi b (h + 1/2) / H) cos(pi c (w + 1/2) / W).
 */
import type { NdArray } from './nd-array.js'

interface Basis {
  /** Voxels that the field is fitted to. */
  readonly inside: readonly boolean[]
  /** [D, H, W] each */
  readonly terms: readonly Float64Array[]
}

/** Products of cosines of total order 1 to `order`, each less its mean over voxels of at least 1 % of the scan's RMS. */
export function centredCosines(scan: NdArray, order: number): Basis {
  const [D, H, W] = scan.shape as [number, number, number]
  const rms = Math.sqrt(scan.data.reduce((sum, x) => sum + x ** 2, 0) / scan.data.length)
  const inside = Array.from(scan.data, (x) => Math.abs(x) > 0.01 * rms)
  const terms: Float64Array[] = []
  for (let a = 0; a <= order && a < D; a++)
    for (let b = 0; b <= order && b < H; b++)
      for (let c = 0; c <= order && c < W; c++) {
        if (a + b + c === 0 || a + b + c > order) continue
        const term = Float64Array.from(scan.data, (_, i) => {
          const [d, h, w] = [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W]
          return (
            Math.cos((Math.PI * a * (d + 0.5)) / D) *
            Math.cos((Math.PI * b * (h + 0.5)) / H) *
            Math.cos((Math.PI * c * (w + 0.5)) / W)
          )
        })
        const values = term.filter((_, i) => inside[i])
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        terms.push(term.map((value) => value - mean))
      }
  return { inside, terms }
}

/** Minimises sum precision (y (1 - sum_j a_j term_j) - mean)^2 over a, and adds sum_j a_j term_j to log f. */
export function refit(
  logField: Float64Array,
  { inside, terms }: Basis,
  y: Float64Array,
  { mean, precision }: { mean: Float64Array; precision: Float64Array },
): void {
  const n = terms.length
  const total = (f: (i: number) => number): number => y.reduce((sum, _, i) => sum + (inside[i] ? f(i) : 0), 0)
  const matrix = terms.map((a) => terms.map((b) => total((i) => precision[i]! * y[i]! ** 2 * a[i]! * b[i]!)))
  const right = terms.map((a) => total((i) => precision[i]! * y[i]! * (y[i]! - mean[i]!) * a[i]!))
  const trace = matrix.reduce((sum, row, i) => sum + row[i]!, 0)
  if (trace === 0) return
  matrix.forEach((row, i) => (row[i]! += (1e-6 * trace) / n))
  const change = gauss(matrix, right)
  logField.forEach((_, i) => {
    terms.forEach((term, j) => (logField[i]! += change[j]! * term[i]!))
  })
}

/** Solves a linear system by elimination with pivots. */
function gauss(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!])
  const n = rows.length
  for (let i = 0; i < n; i++) {
    const pivot = rows
      .slice(i)
      .reduce((best, row, at) => (Math.abs(row[i]!) > Math.abs(rows[best]![i]!) ? at + i : best), i)
    ;[rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!]
    for (let j = i + 1; j < n; j++) {
      const factor = rows[j]![i]! / rows[i]![i]!
      for (let k = i; k <= n; k++) rows[j]![k]! -= factor * rows[i]![k]!
    }
  }
  const solution = new Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--) {
    const known = solution.reduce((sum, value, k) => sum + (k > i ? rows[i]![k]! * value : 0), 0)
    solution[i] = (rows[i]![n]! - known) / rows[i]![i]!
  }
  return solution
}
