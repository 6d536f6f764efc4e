import { quoted, UserError } from '../errors.js'
import { isCount, isRecord, parseRecord } from './json.js'

/** A tensor of one element type. */
export interface TypedTensor<Name, Data> {
  /** Element type, as named by safetensors. */
  dtype: Name
  /** Extents, slowest axis first. */
  shape: readonly number[]
  /** Elements in C order. */
  data: Data
}

/** A named array of a weights file or checkpoint. */
export type Tensor =
  | TypedTensor<'F32', Float32Array>
  | TypedTensor<'F64', Float64Array>
  | TypedTensor<'I32', Int32Array>
  | TypedTensor<'I64', BigInt64Array>
  | TypedTensor<'U8', Uint8Array>

/** The contents of a weights file. */
export interface TensorFile {
  /** By name, in the order of the file. */
  tensors: Map<string, Tensor>
  /** Free text by key. */
  metadata: Record<string, string>
}

const METADATA = '__metadata__'
const BYTES = { F32: 4, F64: 8, I32: 4, I64: 8, U8: 1, F16: 2, BF16: 2 } as const
/**
 * Enough for 40,000 tensors. (The reference implementation allows 100 MB, which nested lists can turn into gigabytes.)
 */
const MAX_HEADER = 4_000_000

interface Entry {
  name: string
  dtype: keyof typeof BYTES
  shape: number[]
  begin: number
  end: number
}

/**
 * Reads a safetensors file (https://github.com/huggingface/safetensors#format): the header's length in 8 bytes, the
 * header as JSON, then little-endian data. F16 and BF16 become F32.
 *
 * @param source the file's name, for messages
 * @throws UserError if the file is truncated or damaged, or holds another type
 */
export function readSafetensors(bytes: Uint8Array, source = 'safetensors'): TensorFile {
  const fail = (what: string) => new UserError(`${source}: ${what}; the file is truncated or damaged`)
  if (bytes.length < 8) throw fail('too short for a safetensors file')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerLength = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true)
  if (headerLength > Math.min(MAX_HEADER, bytes.length - 8)) {
    throw fail(`its header claims ${headerLength} bytes of ${bytes.length}, or more than ${MAX_HEADER}`)
  }
  const header = parseRecord(bytes.subarray(8, 8 + headerLength))
  if (!header) throw fail('its header is not a JSON object')
  const { [METADATA]: metadata = {}, ...rest } = header
  if (!isStringRecord(metadata)) throw fail(`${METADATA} is not a table of strings`)

  const data = bytes.subarray(8 + headerLength)
  const entries = Object.entries(rest).map(([name, value]) => toEntry(name, value, fail))
  // The format requires that the tensors fill the data without gaps or overlap.
  let filled = 0
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== filled) throw fail(`${quoted(name)} starts at byte ${begin} of the data, not at ${filled}`)
    filled = end
  }
  if (filled !== data.length) throw fail(`its tensors need ${filled} bytes but ${data.length} are there`)
  return { tensors: new Map(entries.map((entry) => [entry.name, toTensor(entry, data)])), metadata }
}

/**
 * Writes a safetensors file. Wider types come first, so that each tensor is aligned in the file.
 *
 * @throws UserError if a shape does not match its data, a name is reserved or metadata is not text: no reader would take
 *   the file
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ordered = [...tensors].sort(([, a], [, b]) => BYTES[b.dtype] - BYTES[a.dtype])
  const entries: [string, unknown][] = []
  let offset = 0
  for (const [name, { dtype, shape, data }] of ordered) {
    if (name === METADATA) throw new UserError(`a tensor cannot be named ${METADATA}`)
    if (elements(shape) !== data.length) {
      throw new UserError(`tensor ${name} of shape [${shape.join(', ')}] cannot hold ${data.length} elements`)
    }
    entries.push([name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] }])
    offset += data.byteLength
  }
  for (const [key, text] of Object.entries<unknown>(metadata))
    if (typeof text !== 'string')
      throw new UserError(`metadata ${quoted(key)} is of type ${typeof text}, not text`)
  if (Object.keys(metadata).length > 0) entries.unshift([METADATA, metadata])
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const start = 8 + Math.ceil(json.length / 8) * 8
  const out = new Uint8Array(start + offset).fill(0x20, 8, start)
  new DataView(out.buffer).setUint32(0, start - 8, true)
  out.set(json, 8)
  let at = start
  for (const [, { data }] of ordered) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return out
}

/** IEEE 754 binary16, as bit patterns, to float32. Exact. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, (half) => {
    const exponent = (half >> 10) & 31
    const fraction = half & 1023
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Infinity
            : NaN
          : (1 + fraction / 1024) * 2 ** (exponent - 15)
    return half & 0x8000 ? -magnitude : magnitude
  })
}

/** bfloat16, as bit patterns, to float32: the bits become the upper half. */
function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (upper) => upper << 16).buffer)
}

function toEntry(name: string, value: unknown, fail: (what: string) => UserError): Entry {
  const which = quoted(name)
  if (!isRecord(value)) throw fail(`${which} is not described`)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw fail(`${which} is not described as a tensor`)
  }
  if (!isDType(dtype))
    throw fail(`${which} is of type ${quoted(dtype)}, not ${Object.keys(BYTES).join(', ')}`)
  const [begin, end] = offsets as [number, number]
  if (end - begin !== elements(shape) * BYTES[dtype]) {
    throw fail(
      `${which} claims ${end - begin} bytes for ${dtype} [${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', ...' : ''}]`,
    )
  }
  return { name, dtype, shape, begin, end }
}

function toTensor({ dtype, shape, begin, end }: Entry, data: Uint8Array): Tensor {
  // An aligned copy. Not data.slice(): for Node's Buffer, that returns a view of the same memory.
  const { buffer } = new Uint8Array(data.subarray(begin, end))
  switch (dtype) {
    case 'F32':
      return { dtype, shape, data: new Float32Array(buffer) }
    case 'F64':
      return { dtype, shape, data: new Float64Array(buffer) }
    case 'I32':
      return { dtype, shape, data: new Int32Array(buffer) }
    case 'I64':
      return { dtype, shape, data: new BigInt64Array(buffer) }
    case 'U8':
      return { dtype, shape, data: new Uint8Array(buffer) }
    case 'F16':
      return { dtype: 'F32', shape, data: float16ToFloat32(new Uint16Array(buffer)) }
    case 'BF16':
      return { dtype: 'F32', shape, data: bfloat16ToFloat32(new Uint16Array(buffer)) }
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === 'string')
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount)
}

function isDType(name: string): name is keyof typeof BYTES {
  return Object.hasOwn(BYTES, name)
}
