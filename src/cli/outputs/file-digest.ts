import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { fileError } from '../../io/file-error.js'
import { pairOf } from '../../io/pairs.js'
import { channelFiles } from '../inputs/channel-files.js'

/** Size and SHA-256 (hexadecimal) of a file. */
export interface FileDigest {
  readonly bytes: number
  readonly sha256: string
}

/** SHA-256 of bytes or text, hexadecimal. */
export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/**
 * Reads a file piece by piece; of a `.hdr`/`.img` pair, both, the header first; of a scan with several channels, all files.
 *
 * @throws UserError if it cannot be read
 */
export async function fileDigest(path: string): Promise<FileDigest> {
  const hash = createHash('sha256')
  let bytes = 0
  for (const file of channelFiles(path).flatMap(filesOf)) {
    try {
      for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
        hash.update(piece)
        bytes += piece.length
      }
    } catch (error) {
      throw fileError(error, file, 'cannot be read')
    }
  }
  return { bytes, sha256: hash.digest('hex') }
}

function filesOf(path: string): string[] {
  const pair = pairOf(path)
  return pair ? [pair.header, pair.image] : [path]
}
