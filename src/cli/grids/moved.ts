import { UserError } from '../../errors.js'
import { readText } from '../../io/files.js'
import { isArray, parseRecord } from '../../io/json.js'
import type { Grid } from '../../io/volume.js'
import { inverse } from '../../register/placed.js'
import { compose, determinant, linearPart, type Affine, type AffineRow } from '../../sae/synth/affine.js'
import { toPlaced } from '../register/registration.js'

/**
 * The affine map of a registration, as `sae register` and `sae prepare --to` write it (.json): from the world of the scan
 * that was moved to that of the scan that stayed, in millimetres.
 *
 * @param back the other way round
 * @throws UserError if the file cannot be read, is not of a registration, or holds a smooth one
 */
export async function readTransform(path: string, back: boolean): Promise<Affine> {
  const record = parseRecord(await readText(path))
  const rows = isArray(record?.movingToFixed) ? record.movingToFixed : []
  const map = [0, 1, 2].map((r) => rowOf(rows[r]))
  if (!isMap(map) || !Number.isFinite(1 / determinant(linearPart(map)))) {
    throw new UserError(
      `${path}: holds no movingToFixed, a matrix with an inverse; give the .json that sae register or sae prepare --to wrote`,
    )
  }
  if (record?.transform === 'smooth') {
    throw new UserError(
      `${path}: belongs to a smooth transform, of which the matrix is only a part; sae register --apply moves files by the whole of it`,
    )
  }
  return back ? inverse(map) : map
}

function rowOf(row: unknown): AffineRow | undefined {
  if (!isArray(row) || row.length !== 4) return undefined
  const [a, b, c, t] = row
  const isFinite = (value: unknown): value is number => Number.isFinite(value)
  return isFinite(a) && isFinite(b) && isFinite(c) && isFinite(t) ? [a, b, c, t] : undefined
}

const isMap = (rows: readonly (AffineRow | undefined)[]): rows is Affine => !rows.includes(undefined)

/** The same voxels, where a map of the world takes them. */
export function movedGrid(grid: Grid, map: Affine): Grid {
  const affine = [...compose(map, toPlaced(grid).toWorld).map((row) => [...row]), [0, 0, 0, 1]]
  return { shape: grid.shape, affine, known: true }
}
