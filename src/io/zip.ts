import { Unzip, UnzipInflate, unzipSync } from 'fflate'
import { UserError } from '../errors.js'

/** Deflate cannot pack tighter than this (a match of 258 bytes in 2 bits); an entry that claims to is damaged. */
const MAX_RATIO = 1032
const MAX_ENTRIES = 10_000

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5)
}

/** The names of a zip archive's entries. Errors as for `unzip`. */
export function listZip(bytes: Uint8Array, source: string): string[] {
  const names: string[] = []
  unzip(bytes, source, (name) => {
    names.push(name)
    return false
  })
  return names
}

/**
 * Unpacks the entries that `wanted` asks for, and no other.
 *
 * @param source the file's name, for messages
 * @throws UserError if the archive is truncated or damaged
 */
export function unzip(
  bytes: Uint8Array,
  source: string,
  wanted: (name: string) => boolean,
): Map<string, Uint8Array> {
  let entries = 0
  const sizes = new Map<string, number>()
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, size, originalSize }) => {
        if (++entries > MAX_ENTRIES || name === '') throw new Error('nonsense in its directory')
        if (!wanted(name)) return false
        if (originalSize > MAX_RATIO * size)
          throw new Error(`${JSON.stringify(name)} claims ${originalSize} bytes`)
        sizes.set(name, originalSize)
        return true
      },
    })
    for (const [name, size] of sizes) {
      if (files[name]?.length !== size) throw new Error(`${JSON.stringify(name)} is incomplete`)
    }
    return new Map(Object.entries(files))
  } catch (error) {
    throw damaged(error, source)
  }
}

/** How much of an archive is looked at at a time for the beginning of an entry. */
const CHUNK = 1 << 14

/**
 * The first bytes of an entry, or all of it if that is less; nothing else is unpacked.
 *
 * @throws UserError if the archive is damaged there
 */
export function unzipStart(bytes: Uint8Array, source: string, entry: string, length: number): Uint8Array {
  const out = new Uint8Array(length)
  let total = 0
  const state = { ended: false }
  const archive = new Unzip((file) => {
    if (file.name !== entry) return
    file.ondata = (error, chunk, final) => {
      const failure: Error | null = error // which is none as a rule, whatever the type says
      if (failure) throw failure
      out.set(chunk.subarray(0, length - total), total)
      total = Math.min(total + chunk.length, length)
      state.ended = final
    }
    file.start()
  })
  archive.register(UnzipInflate)
  try {
    for (let start = 0; start < bytes.length && total < length && !state.ended; start += CHUNK) {
      archive.push(bytes.subarray(start, start + CHUNK), start + CHUNK >= bytes.length)
    }
  } catch (error) {
    throw damaged(error, source)
  }
  return out.subarray(0, total)
}

function damaged(error: unknown, source: string): UserError {
  return new UserError(
    `${source}: zip archive truncated or damaged (${(error as Error).message}); copy or download the file again`,
  )
}
