import { invert, linearPart, multiply, type Affine, type Matrix3 } from '../sae/synth/affine.js'

/** What a map does to the world, in a line: `turned by 5.2 degrees, sizes 1.02 0.98 1.01 along right, front, up`. */
export function describeMap(map: Affine): string {
  const { degrees, sizes } = partsOf(map)
  const listed = sizes.map((size) => size.toFixed(3)).join(', ')
  return `From the fixed to the moving scan: turned by ${degrees.toFixed(1)} degrees, sizes ${listed} along right, front, up`
}

/** Heads in scanners differ by up to 35 degrees of nodding, and less in other directions. */
const mostDegrees = 50
/** Brains of adults differ by a fifth along an axis. */
const mostStretch = 1.5

/**
 * Why a map can hardly be that of one brain onto another, if it cannot.
 *
 * @param names of the fixed and the moving file
 */
export function doubtOf(map: Affine, [fixed, moving]: readonly [string, string]): string | undefined {
  const { degrees, sizes } = partsOf(map)
  const strange = sizes.find((size) => size > mostStretch || size < 1 / mostStretch)
  if (degrees > mostDegrees)
    return `${moving}: was turned by ${degrees.toFixed(0)} degrees to fit ${fixed}, further than heads lie apart; one of the headers seems to be wrong about its axes, and then left and right may be exchanged: look at the result`
  if (strange !== undefined)
    return `${moving}: fits ${fixed} only if that is made ${strange.toFixed(2)} times as large along one axis, more than brains differ; look at the result, and check that both show the same, with or without the skull`
  return undefined
}

/** The turn, and the sizes along right, front and up. */
function partsOf(map: Affine): { degrees: number; sizes: readonly number[] } {
  const linear = linearPart(map)
  const turn = nearestRotation(linear)
  const stretch = multiply(transpose(turn), linear)
  const trace = turn[0][0] + turn[1][1] + turn[2][2]
  const degrees = (Math.acos(Math.min(Math.max((trace - 1) / 2, -1), 1)) * 180) / Math.PI
  return { degrees, sizes: ([0, 1, 2] as const).map((axis) => stretch[axis][axis]) }
}

/** The rotation of the polar decomposition, by Newton's iteration. @param m of positive determinant */
function nearestRotation(m: Matrix3): Matrix3 {
  let turn = m
  for (let i = 0; i < 50; i++) {
    const other = transpose(invert(turn))
    const row = (r: 0 | 1 | 2): [number, number, number] => [
      (turn[r][0] + other[r][0]) / 2,
      (turn[r][1] + other[r][1]) / 2,
      (turn[r][2] + other[r][2]) / 2,
    ]
    turn = [row(0), row(1), row(2)]
  }
  return turn
}

function transpose(m: Matrix3): Matrix3 {
  return [
    [m[0][0], m[1][0], m[2][0]],
    [m[0][1], m[1][1], m[2][1]],
    [m[0][2], m[1][2], m[2][2]],
  ]
}
