/** A map between voxel positions: `[[a, b, c, t], ...]`, three rows; row r gives `a d + b h + c w + t` of axis r. */
export type Affine = readonly [AffineRow, AffineRow, AffineRow]
/** One row of an affine map: three factors and a shift. */
export type AffineRow = readonly [number, number, number, number]

/** Three by three, by rows. */
export type Matrix3 = readonly [Triple, Triple, Triple]
export type Triple = readonly [number, number, number]

type Axis = 0 | 1 | 2

export function matrix(entry: (row: Axis, column: Axis) => number): Matrix3 {
  const row = (r: Axis): Triple => [entry(r, 0), entry(r, 1), entry(r, 2)]
  return [row(0), row(1), row(2)]
}

/** a b */
export function multiply(a: Matrix3, b: Matrix3): Matrix3 {
  return matrix((r, c) => a[r][0] * b[0][c] + a[r][1] * b[1][c] + a[r][2] * b[2][c])
}

/** m v */
export function apply(m: Matrix3, v: Triple): Triple {
  const row = (r: Axis): number => m[r][0] * v[0] + m[r][1] * v[1] + m[r][2] * v[2]
  return [row(0), row(1), row(2)]
}

export function determinant(m: Matrix3): number {
  return m[0][0] * cofactor(m, 0, 0) + m[0][1] * cofactor(m, 0, 1) + m[0][2] * cofactor(m, 0, 2)
}

/** The inverse of a matrix whose determinant is not 0. That of the identity is the identity, to the bit. */
export function invert(m: Matrix3): Matrix3 {
  const scale = determinant(m)
  return matrix((r, c) => cofactor(m, c, r) / scale)
}

function cofactor(m: Matrix3, row: Axis, column: Axis): number {
  const [r, s] = [(row + 1) % 3, (row + 2) % 3] as [Axis, Axis]
  const [c, d] = [(column + 1) % 3, (column + 2) % 3] as [Axis, Axis]
  return m[r][c] * m[s][d] - m[r][d] * m[s][c]
}

/** The affine map x -> m x + t. */
export function affine(m: Matrix3, t: Triple): Affine {
  return [
    [...m[0], t[0]],
    [...m[1], t[1]],
    [...m[2], t[2]],
  ]
}

/** The map that applies `first`, then `second`. */
export function compose(second: Affine, first: Affine): Affine {
  const [a, b] = [linearPart(second), linearPart(first)]
  const t = apply(a, [first[0][3], first[1][3], first[2][3]])
  return affine(multiply(a, b), [t[0] + second[0][3], t[1] + second[1][3], t[2] + second[2][3]])
}

export function linearPart(map: Affine): Matrix3 {
  return matrix((r, c) => map[r][c])
}

/** A diagonal matrix. */
export function diagonal(v: Triple): Matrix3 {
  return matrix((r, c) => (r === c ? v[r] : 0))
}

/**
 * The rotation by the quaternion (1, a, b, c), that is about the axis (a, b, c) by twice the arc tangent of its length.
 * It needs neither sine nor square root, and so has the same bits everywhere.
 */
export function rotation([a, b, c]: Triple): Matrix3 {
  const n = 1 + a * a + b * b + c * c
  return [
    [(1 + a * a - b * b - c * c) / n, (2 * (a * b - c)) / n, (2 * (a * c + b)) / n],
    [(2 * (a * b + c)) / n, (1 - a * a + b * b - c * c) / n, (2 * (b * c - a)) / n],
    [(2 * (a * c - b)) / n, (2 * (b * c + a)) / n, (1 - a * a - b * b + c * c) / n],
  ]
}
