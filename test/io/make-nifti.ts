/** What a test wants in a NIfTI file; the rest is plain and right. */
export interface NiftiFields {
  version?: 1 | 2
  littleEndian?: boolean
  /** `dim[0..]`. */
  dims?: readonly number[]
  /** As they lie in the file, i fastest. */
  values?: readonly number[]
  datatype?: number
  slope?: number
  inter?: number
  pixdim?: readonly number[]
  units?: number
  qformCode?: number
  quaternion?: readonly number[]
  qoffset?: readonly number[]
  sformCode?: number
  sform?: readonly (readonly number[])[]
  voxOffset?: number
  /** An extension of 32 bytes that claims this many. */
  extension?: number
  /** The header of a `.hdr/.img` pair. */
  pair?: boolean
}

const BITS: Readonly<Record<number, number>> = {
  2: 8,
  4: 16,
  8: 32,
  16: 32,
  64: 64,
  256: 8,
  512: 16,
  768: 32,
  1024: 64,
  1280: 64,
}

/** A NIfTI file laid out by the offsets of nifti1.h and nifti2.h, independent of the reader and the writer under test. */
export function makeNifti(fields: NiftiFields): Uint8Array {
  const { version = 1, littleEndian: le = true, values = [], datatype = 16 } = fields
  const first = version === 1 ? 352 : 544
  const start = fields.extension === undefined ? first : first + 32
  const bytesPerVoxel = (BITS[datatype] ?? 0) / 8
  const bytes = new Uint8Array(start + values.length * bytesPerVoxel)
  const view = new DataView(bytes.buffer)
  const int = (at: [number, number], value: number): void => {
    if (version === 1) view.setInt16(at[0], value, le)
    else view.setBigInt64(at[1], BigInt(value), le)
  }
  const code = (at: [number, number], value: number): void => {
    if (version === 1) view.setInt16(at[0], value, le)
    else view.setInt32(at[1], value, le)
  }
  const float = (at: [number, number], value: number): void => {
    if (version === 1) view.setFloat32(at[0], value, le)
    else view.setFloat64(at[1], value, le)
  }

  view.setInt32(0, version === 1 ? 348 : 540, le)
  const magic = `n${fields.pair ? 'i' : '+'}${version}\0`
  bytes.set(Buffer.from(version === 1 ? magic : `${magic}\r\n\x1a\n`, 'latin1'), version === 1 ? 344 : 4)
  for (let i = 0; i < 8; i++) {
    int([40 + 2 * i, 16 + 8 * i], fields.dims?.[i] ?? 1)
    float([76 + 4 * i, 104 + 8 * i], fields.pixdim?.[i] ?? 1)
  }
  view.setInt16(version === 1 ? 70 : 12, datatype, le)
  view.setInt16(version === 1 ? 72 : 14, 8 * bytesPerVoxel, le)
  if (version === 1) view.setFloat32(108, fields.voxOffset ?? start, le)
  else view.setBigInt64(168, BigInt(fields.voxOffset ?? start), le)
  float([112, 176], fields.slope ?? 1)
  float([116, 184], fields.inter ?? 0)
  if (version === 1) view.setUint8(123, fields.units ?? 2)
  else view.setInt32(500, fields.units ?? 2, le)
  code([252, 344], fields.qformCode ?? 0)
  code([254, 348], fields.sformCode ?? 0)
  for (let i = 0; i < 3; i++) {
    float([256 + 4 * i, 352 + 8 * i], fields.quaternion?.[i] ?? 0)
    float([268 + 4 * i, 376 + 8 * i], fields.qoffset?.[i] ?? 0)
    for (let j = 0; j < 4; j++)
      float([280 + 4 * (4 * i + j), 400 + 8 * (4 * i + j)], fields.sform?.[i]?.[j] ?? 0)
  }
  if (fields.extension !== undefined) {
    view.setUint8(first - 4, 1)
    view.setInt32(first, fields.extension, le)
    // A reader that trusts lengths goes from here back to the first, for ever.
    view.setInt32(first + 16, -16, le)
  }
  values.forEach((value, i) => {
    setVoxel(view, start + i * bytesPerVoxel, datatype, value, le)
  })
  return bytes
}

function setVoxel(view: DataView, at: number, datatype: number, value: number, le: boolean): void {
  switch (datatype) {
    case 2:
      view.setUint8(at, value)
      return
    case 256:
      view.setInt8(at, value)
      return
    case 4:
      view.setInt16(at, value, le)
      return
    case 512:
      view.setUint16(at, value, le)
      return
    case 8:
      view.setInt32(at, value, le)
      return
    case 768:
      view.setUint32(at, value, le)
      return
    case 1024:
      view.setBigInt64(at, BigInt(value), le)
      return
    case 1280:
      view.setBigUint64(at, BigInt(value), le)
      return
    case 16:
      view.setFloat32(at, value, le)
      return
    case 64:
      view.setFloat64(at, value, le)
  }
}
