import { FlateErrorCode, Gunzip, gzipSync, type FlateError } from 'fflate'
import { UserError } from '../errors.js'
import { crc32 } from './crc32.js'

/** Small, because a chunk may unpack to a thousand times its size before we can check the limit. */
const INPUT_CHUNK = 1 << 13
/** No image comes near this; a file that unpacks to more is damaged or malicious. */
const MAX_UNPACKED = 2 ** 32
/** CRC-32 and length at the end of a member. */
const TRAILER_BYTES = 8

/** Whether bytes begin with gzip's magic number, 1f 8b. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** One gzip member at a fast level; the same input always gives the same bytes. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 1, mtime: 0 })
}

/**
 * Unpacks a gzip file of one or several members (RFC 1952) and checks the length and CRC-32 of each. Ignores what
 * follows the last member, as `gzip` does.
 *
 * @param source the file's name, for messages
 * @param limit most bytes that it may unpack to. Default: 4 GiB
 * @throws UserError if the file is truncated or damaged, or unpacks to more
 */
export function gunzip(bytes: Uint8Array, source: string, limit = MAX_UNPACKED): Uint8Array {
  const chunks: Uint8Array[] = []
  let total = 0
  let member = { packedStart: 0, start: 0, crc: 0 }
  const stream = new Gunzip((chunk) => {
    total += chunk.length
    if (total > limit) {
      throw new UserError(
        `${source}: its gzip data unpack to more than ${limit} bytes, the most that its header allows; the file is damaged`,
      )
    }
    member.crc = crc32(chunk, member.crc)
    chunks.push(chunk)
  })
  const endMember = (end?: number): void => {
    const packed = bytes.subarray(member.packedStart, end)
    if (!hasTrailer(packed, member.crc, (total - member.start) % 2 ** 32, end !== undefined))
      throw new Error('checksum mismatch')
    member = { packedStart: end ?? bytes.length, start: total, crc: 0 }
  }
  stream.onmember = endMember
  try {
    try {
      for (let start = 0; start < bytes.length; start += INPUT_CHUNK) {
        stream.push(bytes.subarray(start, start + INPUT_CHUNK), start + INPUT_CHUNK >= bytes.length)
      }
    } catch (error) {
      // A complete member may be followed by something else.
      if (chunks.length === 0 || (error as FlateError).code !== FlateErrorCode.InvalidHeader) throw error
    }
    endMember()
  } catch (error) {
    throw error instanceof UserError ? error : damaged(source, error)
  }
  return concatenated(chunks, total)
}

/**
 * The first `count` unpacked bytes of gzip data, or fewer if `bytes` end before. `bytes` need not be the whole file.
 *
 * @throws UserError if the data are damaged
 */
export function gunzipHead(bytes: Uint8Array, count: number, source: string): Uint8Array {
  const chunks: Uint8Array[] = []
  let total = 0
  const stream = new Gunzip((chunk) => {
    total += chunk.length
    chunks.push(chunk)
  })
  try {
    for (let start = 0; start < bytes.length && total < count; start += count) {
      stream.push(bytes.subarray(start, start + count))
    }
  } catch (error) {
    if (total < count) throw damaged(source, error)
  }
  return concatenated(chunks, total).subarray(0, count)
}

/**
 * Whether `packed` contains this trailer: at its end or, if something follows the member, anywhere. (The library does
 * not say where the member ended. Eight given bytes do not occur by accident.)
 */
function hasTrailer(packed: Uint8Array, crc: number, length: number, atEnd: boolean): boolean {
  const trailer = new Uint8Array(TRAILER_BYTES)
  const view = new DataView(trailer.buffer)
  view.setUint32(0, crc, true)
  view.setUint32(4, length, true)
  const isAt = (at: number): boolean => trailer.every((byte, i) => packed[at + i] === byte)
  if (isAt(packed.length - TRAILER_BYTES)) return true
  if (atEnd) return false
  for (let at = packed.indexOf(trailer[0]!); at !== -1; at = packed.indexOf(trailer[0]!, at + 1)) {
    if (isAt(at)) return true
  }
  return false
}

function concatenated(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const out = new Uint8Array(total)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

function damaged(source: string, error: unknown): UserError {
  return new UserError(
    `${source}: gzip data truncated or damaged (${(error as Error).message}); copy or download the file again`,
  )
}
