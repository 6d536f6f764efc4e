/** Checks a hand-written gradient against central differences of the function itself, in float64. */
import { dot, map, mulberry32, uniform, type NdArray } from './nd-array.js'

interface GradientCheck {
  /** The function of one argument, all others held. */
  readonly f: (x: NdArray) => NdArray
  /** The point, at least a few steps away from any kink of f. */
  readonly x: NdArray
  /** Weights of the outputs, of the shape of f(x): the scalar that is differentiated is <gradOutput, f(x)>. */
  readonly gradOutput: NdArray
  /** The gradient to be checked, of the shape of x. */
  readonly gradient: NdArray
  /** Default 1e-5. */
  readonly step?: number
  /** Random directions with components in [-1, 1). Default 4. */
  readonly directions?: number
  /** Single coordinates, drawn at random. Default 16. */
  readonly coordinates?: number
  readonly seed?: number
}

/**
 * The largest relative difference between <gradient, v> and <gradOutput, f(x + h v) - f(x - h v)> / 2h over all
 * directions v tried. Directions are taken relative to the gradient's norm, coordinates to its largest component.
 * Infinity where anything is not finite.
 */
export function gradientError(check: GradientCheck): number {
  const { f, x, gradOutput, gradient, step = 1e-5, directions = 4, coordinates = 16, seed = 1 } = check
  const random = mulberry32(seed)
  const error = (v: NdArray, scale: number): number => {
    const along = (h: number) => dot(gradOutput, f(map(x, (value, i) => value + h * v.data[i]!)))
    const numeric = (along(step) - along(-step)) / (2 * step)
    const difference = Math.abs(numeric - dot(gradient, v))
    if (!Number.isFinite(difference)) return Infinity
    return difference === 0 ? 0 : difference / Math.max(scale, Math.abs(numeric))
  }

  const norm = Math.sqrt(dot(gradient, gradient))
  const largest = gradient.data.reduce((max, g) => Math.max(max, Math.abs(g)), 0)
  let worst = 0
  for (let i = 0; i < directions; i++) worst = Math.max(worst, error(uniform(x.shape, random), norm))
  for (let i = 0; i < coordinates; i++) {
    const chosen = Math.floor(random() * x.data.length)
    worst = Math.max(
      worst,
      error(
        map(x, (_, j) => (j === chosen ? 1 : 0)),
        largest,
      ),
    )
  }
  return worst
}
