/** What a test wants in an MGH file; the rest is plain and right. */
export interface MghFields {
  version?: number
  /** Width, height, depth, frames. */
  dims?: readonly number[]
  /** As they lie in the file, width fastest. */
  values?: readonly number[]
  /** FreeSurfer's code: 0 unsigned char, 1 int, 3 float, 4 short, 10 unsigned short. */
  type?: number
  goodRas?: number
  delta?: readonly number[]
  /** `x_r, x_a, x_s, y_r, ...`. */
  directions?: readonly number[]
  centre?: readonly number[]
  /** What follows the voxels. */
  tags?: Uint8Array
}

const WIDTHS: Readonly<Record<number, number>> = { 0: 1, 1: 4, 3: 4, 4: 2, 10: 2 }

/** An MGH file laid out by FreeSurfer's description, independent of the reader and the writer under test. */
export function makeMgh(fields: MghFields): Uint8Array {
  const { version = 1, dims = [1, 1, 1, 1], values = [], type = 3, goodRas = 1 } = fields
  const { delta = [1, 1, 1], directions = [-1, 0, 0, 0, 0, -1, 0, 1, 0], centre = [0, 0, 0] } = fields
  const width = WIDTHS[type] ?? 4
  const tags = fields.tags ?? new Uint8Array(0)
  const bytes = new Uint8Array(284 + values.length * width + tags.length)
  const view = new DataView(bytes.buffer)
  ;[version, ...dims, type, 0].forEach((value, i) => {
    view.setInt32(4 * i, value)
  })
  view.setInt16(28, goodRas)
  ;[...delta, ...directions, ...centre].forEach((value, i) => {
    view.setFloat32(30 + 4 * i, value)
  })
  values.forEach((value, i) => {
    const at = 284 + i * width
    if (type === 0) view.setUint8(at, value)
    else if (type === 1) view.setInt32(at, value)
    else if (type === 4) view.setInt16(at, value)
    else if (type === 10) view.setUint16(at, value)
    else view.setFloat32(at, value)
  })
  bytes.set(tags, 284 + values.length * width)
  return bytes
}
