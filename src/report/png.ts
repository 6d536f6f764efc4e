import { encode } from 'fast-png'

/** A picture: rows from the top; 4 bytes (red, green, blue, alpha) per pixel, 0..255. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array<ArrayBuffer>
}

/** The bytes of a PNG file, 8 bits per channel. */
export function encodePng({ width, height, data }: Picture): Uint8Array {
  return encode({ width, height, data, channels: 4, depth: 8 })
}
