import { withVectors, writeNifti } from '../../io/nifti-write.js'
import { gzip } from '../../io/gzip.js'
import { isArray, parseRecord } from '../../io/json.js'
import { inverse } from '../../register/placed.js'
import type { DisplacementField } from '../../register/pullback.js'
import type { Affine } from '../../sae/synth/affine.js'
import { writeOutput } from '../outputs/output-files.js'

/** What a registration found, for its .json. */
export interface RegistrationRecord {
  readonly transform: string
  readonly moving: string
  readonly fixed: string
  /** In nats. */
  readonly mutualInformation: number
  /** The least determinant of the derivative of a smooth displacement. */
  readonly leastJacobian?: number
}

/** Writes a registration as JSON (`formatRecord`). */
export async function writeRecord(path: string, map: Affine, record: RegistrationRecord): Promise<void> {
  await writeOutput(path, formatRecord(map, record))
}

/** A registration as JSON: matrices of world coordinates, RAS, in millimetres. */
export function formatRecord(map: Affine, record: RegistrationRecord): string {
  const whole = (m: Affine): string =>
    `[${[...m, [0, 0, 0, 1]].map((row) => JSON.stringify(row)).join(', ')}]`
  const entries = [
    ...Object.entries(record).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`),
    `"fixedToMoving": ${whole(map)}`,
    `"movingToFixed": ${whole(inverse(map))}`,
  ]
  return `{\n${entries.map((entry) => `  ${entry}`).join(',\n')}\n}\n`
}

/** Whether a text is such a record. */
export const isRegistration = (text: string): boolean => isArray(parseRecord(text)?.movingToFixed)

/** Writes the affine part as a text file of ITK's, as ANTs, ITK-SNAP and Slicer read it: fixed points to moving ones, LPS. */
export async function writeItkAffine(path: string, map: Affine): Promise<void> {
  const sign = (axis: number): number => (axis < 2 ? -1 : 1)
  const linear = map.flatMap((row, r) => [0, 1, 2].map((c) => sign(r) * sign(c) * row[c]!))
  const shift = map.map((row, r) => sign(r) * row[3])
  const text = [
    '#Insight Transform File V1.0',
    '#Transform 0',
    'Transform: AffineTransform_double_3_3',
    `Parameters: ${[...linear, ...shift].map(unsigned).join(' ')}`,
    'FixedParameters: 0 0 0',
  ]
  await writeOutput(path, `${text.join('\n')}\n`)
}

const unsigned = (value: number): number => (value === 0 ? 0 : value)

/** Writes a displacement as a NIfTI image of vectors as ANTs reads it: millimetres, LPS, applied before the affine part. */
export async function writeWarp(path: string, { data, shape, toWorld }: DisplacementField): Promise<void> {
  const [D, H, W] = shape
  const size = D * H * W
  const vectors = new Float32Array(3 * size)
  data.forEach((axis, r) => {
    vectors.set(r < 2 ? axis.map((value) => (value === 0 ? 0 : -value)) : axis, r * size)
  })
  const affine = [...toWorld.map((row) => [...row]), [0, 0, 0, 1]]
  const grid = { shape: [D, H, W] as [number, number, number], affine, known: true }
  const bytes = writeNifti({ data: vectors, channels: 3, grid, source: path }, 'float32')
  await writeOutput(path, gzip(withVectors(bytes)))
}
