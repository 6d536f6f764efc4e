import { Gunzip, gzipSync } from 'fflate'
import { UserError } from '../errors.js'

const INPUT_CHUNK = 1 << 17
/** For a header of some hundred bytes. */
const HEADER_CHUNK = 1 << 12
/** No image of ours comes near; a file that unpacks to more is damaged or hostile. */
const MAX_UNPACKED = 2 ** 32

/** Whether bytes begin with gzip's magic number, 1f 8b. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** One gzip member, at the fast end of the scale; the same input always gives the same bytes. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 1, mtime: 0 })
}

/**
 * Unpacks a gzip file of one or several members (RFC 1952), checking the length and CRC-32 of each.
 *
 * @param source the file's name, for messages
 * @throws UserError if the file is truncated or damaged
 */
export function gunzip(bytes: Uint8Array, source: string): Uint8Array {
  const chunks: Uint8Array[] = []
  let total = 0
  let member = { start: 0, crc: 0 }
  const endMember = (end: number): void => {
    const trailer = new DataView(bytes.buffer, bytes.byteOffset + end - 8, 8)
    const intact =
      trailer.getUint32(0, true) === member.crc &&
      trailer.getUint32(4, true) === (total - member.start) % 2 ** 32
    if (!intact) throw new Error('checksum mismatch')
    member = { start: total, crc: 0 }
  }
  const stream = new Gunzip((chunk) => {
    total += chunk.length
    if (total > MAX_UNPACKED) throw new Error('unpacks to more than 4 GiB')
    member.crc = crc32(chunk, member.crc)
    chunks.push(chunk)
  })
  stream.onmember = endMember
  try {
    for (let start = 0; start < bytes.length; start += INPUT_CHUNK) {
      stream.push(bytes.subarray(start, start + INPUT_CHUNK), start + INPUT_CHUNK >= bytes.length)
    }
    endMember(bytes.length)
  } catch (error) {
    throw damaged(error, source)
  }
  const out = new Uint8Array(total)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

function damaged(error: unknown, source: string): UserError {
  return new UserError(
    `${source}: gzip data truncated or damaged (${(error as Error).message}); copy or download the file again`,
  )
}

/**
 * The first bytes of what a gzip file holds, or all if that is less; no checksum is looked at.
 *
 * @param bytes the beginning of the file
 * @throws UserError if it is damaged there
 */
export function gunzipStart(bytes: Uint8Array, length: number, source: string): Uint8Array {
  const out = new Uint8Array(length)
  let total = 0
  const stream = new Gunzip((chunk) => {
    out.set(chunk.subarray(0, length - total), total)
    total = Math.min(total + chunk.length, length)
  })
  try {
    for (let start = 0; start < bytes.length && total < length; start += HEADER_CHUNK) {
      stream.push(bytes.subarray(start, start + HEADER_CHUNK))
    }
  } catch (error) {
    throw damaged(error, source)
  }
  return out.subarray(0, total)
}

const CRC_TABLE = new Uint32Array(256).map((_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
  return crc
})

/** CRC-32 as in RFC 1952, section 8; `previous` is the value over what came before. */
function crc32(bytes: Uint8Array, previous: number): number {
  let crc = ~previous
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}
