/** A function of several numbers: returns its value, and writes its derivatives. */
export type Differentiable = (x: Float64Array, gradient: Float64Array) => number

/** A point and what the function is worth there. */
export interface Maximum {
  readonly x: Float64Array
  readonly value: number
}

/**
 * Climbs to a maximum by the method of Broyden, Fletcher, Goldfarb and Shanno, halving a step that does not climb.
 *
 * @param first length of the first step
 * @param smallest stops once a step is shorter than this
 */
export function maximise(
  f: Differentiable,
  start: Float64Array,
  first: number,
  smallest: number,
  iterations: number,
): Maximum {
  const n = start.length
  let x: Float64Array = start.slice()
  let gradient: Float64Array = new Float64Array(n)
  let value = f(x, gradient)
  let inverseHessian: Float64Array | undefined
  for (let iteration = 0; iteration < iterations; iteration++) {
    let direction = inverseHessian ? product(inverseHessian, gradient) : scaled(gradient, first)
    let slope = dot(direction, gradient)
    if (!(slope > 0)) {
      inverseHessian = undefined
      direction = scaled(gradient, first)
      slope = dot(direction, gradient)
      if (!(slope > 0)) break
    }
    // No step is longer than the first ones: the measure is known to be smooth over such a length only.
    const length = Math.hypot(...direction)
    let step = Math.min(1, (2 * first) / length)
    const nextGradient = new Float64Array(n)
    let next: Float64Array
    let nextValue: number
    for (;;) {
      const by = step
      next = x.map((at, i) => at + by * direction[i]!)
      nextValue = f(next, nextGradient)
      if (nextValue >= value + 1e-4 * step * slope) break
      step /= 2
      if (step * length < smallest) return { x, value }
    }
    const moved = next.map((at, i) => at - x[i]!)
    const bent = gradient.map((at, i) => at - nextGradient[i]!)
    inverseHessian = updated(inverseHessian, moved, bent)
    ;[x, value, gradient] = [next, nextValue, nextGradient]
    if (Math.hypot(...moved) < smallest) break
  }
  return { x, value }
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}

function scaled(gradient: Float64Array, length: number): Float64Array {
  const norm = Math.hypot(...gradient)
  return gradient.map((value) => (norm > 0 ? (value * length) / norm : 0))
}

function product(matrix: Float64Array, x: Float64Array): Float64Array {
  const n = x.length
  return x.map((_, r) => dot(matrix.subarray(r * n, (r + 1) * n), x))
}

/** The update of the inverse of the Hessian of -f, (I - s y'/y's) H (I - y s'/y's) + s s'/y's. */
function updated(
  matrix: Float64Array | undefined,
  s: Float64Array,
  y: Float64Array,
): Float64Array | undefined {
  const n = s.length
  const curvature = dot(s, y)
  if (!(curvature > 1e-12)) return matrix
  const H = matrix ?? identity(n, curvature / dot(y, y))
  const Hy = product(H, y)
  const factor = (curvature + dot(y, Hy)) / (curvature * curvature)
  return H.map((value, k) => {
    const [r, c] = [Math.floor(k / n), k % n]
    return value + factor * s[r]! * s[c]! - (Hy[r]! * s[c]! + s[r]! * Hy[c]!) / curvature
  })
}

function identity(n: number, value: number): Float64Array {
  const matrix = new Float64Array(n * n)
  for (let i = 0; i < n; i++) matrix[i * n + i] = value
  return matrix
}
