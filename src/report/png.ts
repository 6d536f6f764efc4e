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

/** An opaque picture as a data URL; a grey one takes a third of the bytes. */
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
  return `data:image/png;base64,${base64(encode({ width, height, data: packed, channels, depth: 8 }))}`
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(text)
}
