import { Inflate } from 'fflate'
import { quoted, UserError } from '../errors.js'
import { crc32 } from './crc32.js'

/** Deflate cannot pack tighter than this (a match of 258 bytes in 2 bits); an entry that claims to is damaged. */
const MAX_RATIO = 1032
const MAX_ENTRIES = 10_000
/** Small, because a chunk may unpack to a thousand times its size before we can check the limit. */
const INPUT_CHUNK = 1 << 13

const END = { signature: 0x06054b50, bytes: 22 }
const LOCATOR = { signature: 0x07064b50, bytes: 20 }
const END64 = { signature: 0x06064b50, bytes: 56 }
const DIRECTORY = { signature: 0x02014b50, bytes: 46 }
const LOCAL = { signature: 0x04034b50, bytes: 30 }
const MAX_COMMENT = 0xffff
/** A 32-bit field with this value has its actual value in the zip64 extra field. */
const ELSEWHERE = 0xffffffff

/** A file in a zip archive, still packed. */
export interface ZipEntry {
  /** The archive's own name, for messages. */
  readonly source: string
  readonly name: string
  /** Unpacked size in bytes, according to the directory. */
  readonly size: number
  readonly packed: Uint8Array
  readonly deflated: boolean
  readonly crc: number
}

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5)
}

/**
 * The entries of a zip archive by name (PKWARE's APPNOTE.TXT 4.3, with zip64), still packed. They must not overlap, so
 * that the archive cannot claim more packed data than it holds.
 *
 * @param source the file's name, for messages
 * @throws UserError if the archive is truncated or damaged
 */
export function zipEntries(bytes: Uint8Array, source: string): Map<string, ZipEntry> {
  try {
    return readDirectory(bytes, source)
  } catch (error) {
    throw damaged(source, error)
  }
}

/** Unpacks an entry. @throws UserError if it is damaged, or its size differs from the directory's */
export function unpack(entry: ZipEntry): Uint8Array {
  const { source, name, size, crc } = entry
  try {
    const out = new Uint8Array(size)
    let at = 0
    for (const chunk of chunksOf(entry)) {
      if (at + chunk.length > size) throw new Error(`${quoted(name)} holds more than ${size} bytes`)
      out.set(chunk, at)
      at += chunk.length
    }
    if (at !== size) throw new Error(`${quoted(name)} is incomplete`)
    if (crc32(out) !== crc) throw new Error(`the checksum of ${quoted(name)} is wrong`)
    return out
  } catch (error) {
    throw damaged(source, error)
  }
}

/** The first `count` unpacked bytes of an entry, or all if it is shorter. @throws UserError if they are damaged */
export function unpackHead(entry: ZipEntry, count: number): Uint8Array {
  const head = new Uint8Array(Math.min(count, entry.size))
  let at = 0
  try {
    for (const chunk of chunksOf(entry)) {
      head.set(chunk.subarray(0, head.length - at), at)
      at = Math.min(at + chunk.length, head.length)
      if (at === head.length) break
    }
  } catch (error) {
    throw damaged(entry.source, error)
  }
  return head.subarray(0, at)
}

function* chunksOf({ packed, deflated }: ZipEntry): Generator<Uint8Array> {
  if (!deflated) {
    yield packed
    return
  }
  let unpacked: Uint8Array = new Uint8Array(0)
  const stream = new Inflate((chunk) => (unpacked = chunk))
  for (let start = 0; start < packed.length; start += INPUT_CHUNK) {
    stream.push(packed.subarray(start, start + INPUT_CHUNK), start + INPUT_CHUNK >= packed.length)
    yield unpacked
  }
}

function readDirectory(bytes: Uint8Array, source: string): Map<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { count, start } = findDirectory(view)
  const entries = new Map<string, ZipEntry>()
  const extents: { from: number; to: number }[] = []
  let at = start
  for (let i = 0; i < count; i++) {
    requireSignature(view, at, DIRECTORY)
    const [nameLength, extraLength] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)]
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength))
    const { packedSize, size, offset } = sizesOf(view, at, at + 46 + nameLength, extraLength)
    const method = view.getUint16(at + 10, true)
    if (view.getUint16(at + 8, true) & 1) throw new Error(`${quoted(name)} is encrypted`)
    if (method !== 0 && method !== 8) throw new Error(`${quoted(name)} is packed by method ${method}`)
    if (entries.has(name) || name === '') throw new Error('nonsense in its directory')
    if (method === 0 ? size !== packedSize : size > MAX_RATIO * packedSize)
      throw new Error(`${quoted(name)} claims ${size} bytes`)
    requireSignature(view, offset, LOCAL)
    const from = offset + LOCAL.bytes + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true)
    const to = from + packedSize
    if (to > start) throw new Error(`${quoted(name)} is incomplete`)
    extents.push({ from: offset, to })
    const crc = view.getUint32(at + 16, true)
    entries.set(name, { source, name, size, packed: bytes.subarray(from, to), deflated: method === 8, crc })
    at += DIRECTORY.bytes + nameLength + extraLength + view.getUint16(at + 32, true)
  }
  extents.sort((a, b) => a.from - b.from)
  if (extents.some(({ from }, i) => i > 0 && from < extents[i - 1]!.to))
    throw new Error('its entries overlap')
  return entries
}

function findDirectory(view: DataView): { count: number; start: number } {
  const last = view.byteLength - END.bytes
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT); at--) {
    if (view.getUint32(at, true) !== END.signature || view.getUint16(at + 20, true) > last - at) continue
    const found = directory64(view, at - LOCATOR.bytes) ?? {
      count: view.getUint16(at + 10, true),
      start: view.getUint32(at + 16, true),
    }
    if (found.count > MAX_ENTRIES || found.start > at) throw new Error('nonsense in its directory')
    return found
  }
  throw new Error('no directory')
}

function directory64(view: DataView, locator: number): { count: number; start: number } | undefined {
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR.signature) return undefined
  const at = requireSignature(view, uint64(view, locator + 8), END64)
  return { count: uint64(view, at + 32), start: uint64(view, at + 48) }
}

function sizesOf(view: DataView, at: number, extra: number, extraLength: number) {
  const fields = [24, 20, 42].map((field) => view.getUint32(at + field, true))
  if (fields.includes(ELSEWHERE)) {
    for (let e = extra; e + 4 <= extra + extraLength; e += 4 + view.getUint16(e + 2, true)) {
      if (view.getUint16(e, true) !== 1) continue
      // Holds only the fields that overflowed, in this order.
      let next = e + 4
      fields.forEach((value, i) => {
        if (value !== ELSEWHERE) return
        fields[i] = uint64(view, next)
        next += 8
      })
      break
    }
  }
  const [size, packedSize, offset] = fields as [number, number, number]
  return { size, packedSize, offset }
}

function requireSignature(view: DataView, at: number, what: { signature: number; bytes: number }): number {
  if (at + what.bytes > view.byteLength || view.getUint32(at, true) !== what.signature)
    throw new Error('nonsense in its directory')
  return at
}

function uint64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true))
}

function damaged(source: string, error: unknown): UserError {
  // The message of a DataView's RangeError does not help the user.
  const { name, message } = error as Error
  const why = name === 'RangeError' ? 'unexpected end' : message
  return new UserError(
    `${source}: zip archive truncated or damaged (${why}); copy or download the file again`,
  )
}
