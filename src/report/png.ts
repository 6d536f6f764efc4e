import { zlibSync } from 'fflate'

/** A picture: rows from the top; 4 bytes (red, green, blue, alpha) per pixel, 0..255. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array<ArrayBuffer>
}

/** The bytes of a PNG file, 8 bits per channel. */
export function encodePng({ width, height, data }: Picture): Uint8Array {
  return encode(width, height, 4, data)
}

/** An opaque picture as an address that holds all of it; a grey one takes a third of the room. */
export function pngUrl({ width, height, data }: Picture): string {
  const pixels = width * height
  let isGrey = true
  for (let i = 0; i < data.length && isGrey; i += 4)
    isGrey = data[i] === data[i + 1] && data[i] === data[i + 2]
  const channels = isGrey ? 1 : 3
  const packed = new Uint8Array(pixels * channels)
  for (let i = 0; i < pixels; i++)
    for (let channel = 0; channel < channels; channel++)
      packed[i * channels + channel] = data[4 * i + channel]!
  return `data:image/png;base64,${base64(encode(width, height, channels, packed))}`
}

/** The colour types of PNG, by the bytes of a pixel: grey; red, green and blue; the same with alpha. */
const colourTypes = { 1: 0, 3: 2, 4: 6 } as const

/** Encodes rows of pixels without a filter (https://www.w3.org/TR/png-3/). */
function encode(
  width: number,
  height: number,
  channels: keyof typeof colourTypes,
  data: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, colourTypes[channels]], 8)
  const row = width * channels
  // Before each row stands its filter: 0 for none.
  const rows = new Uint8Array(height * (row + 1))
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1)
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('IDAT', zlibSync(rows)),
    chunk('IEND', new Uint8Array(0)),
  ]
  const png = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    png.set(part, at)
    at += part.length
  }
  return png
}

/** Length, type, content, and the checksum of the last two. */
function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + content.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, content.length)
  bytes.set(new TextEncoder().encode(type), 4)
  bytes.set(content, 8)
  view.setUint32(8 + content.length, crc32(bytes.subarray(4, 8 + content.length)))
  return bytes
}

function crc32(bytes: Uint8Array): number {
  let rest = 0xffffffff
  for (const byte of bytes) {
    rest ^= byte
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1
  }
  return ~rest >>> 0
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(text)
}
