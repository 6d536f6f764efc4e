import { forEachDot, glyphAdvance } from './bitmap-font.js'
import type { Colour } from './colours.js'
import type { Picture } from './png.js'

/** A small picture, to be scaled up: rows from the top; red, green, blue in 0..255 per pixel. */
export interface Raster {
  readonly width: number
  readonly height: number
  readonly rgb: Float32Array
}

/** A black picture to draw on; anything outside is clipped. */
export class Canvas implements Picture {
  readonly data: Uint8Array<ArrayBuffer>

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8Array(width * height * 4)
    for (let i = 3; i < this.data.length; i += 4) this.data[i] = 255
  }

  fill(left: number, top: number, width: number, height: number, colour: Colour): void {
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) this.#set(x, y, ...colour)
    }
  }

  text(left: number, top: number, scale: number, text: string, colour: Colour): void {
    forEachDot(text, (x, y) => {
      this.fill(left + x * scale, top + y * scale, scale, scale, colour)
    })
  }

  /** Draws `raster` stretched to width x height: bilinearly if `smooth`, else by the nearest pixel. */
  raster(left: number, top: number, width: number, height: number, raster: Raster, smooth: boolean): void {
    for (let y = 0; y < height; y++) {
      const row = tap(((y + 0.5) / height) * raster.height - 0.5, raster.height, smooth)
      for (let x = 0; x < width; x++) {
        const column = tap(((x + 0.5) / width) * raster.width - 0.5, raster.width, smooth)
        const at = (r: number, c: number, channel: number): number =>
          raster.rgb[(r * raster.width + c) * 3 + channel]!
        const mix = (channel: number): number =>
          (1 - row.share) *
            ((1 - column.share) * at(row.low, column.low, channel) +
              column.share * at(row.low, column.high, channel)) +
          row.share *
            ((1 - column.share) * at(row.high, column.low, channel) +
              column.share * at(row.high, column.high, channel))
        this.#set(left + x, top + y, mix(0), mix(1), mix(2))
      }
    }
  }

  #set(x: number, y: number, red: number, green: number, blue: number): void {
    if (x < 0 || x >= this.width || y < 0 || y >= this.height) return
    const at = (y * this.width + x) * 4
    this.data[at] = Math.round(red)
    this.data[at + 1] = Math.round(green)
    this.data[at + 2] = Math.round(blue)
  }
}

/** Width of `text` in pixels. */
export function textWidth(text: string, scale: number): number {
  return Math.max(0, Array.from(text).length * glyphAdvance - 1) * scale
}

/** The two pixels on either side of `position`, and the share of the higher one. */
function tap(position: number, n: number, smooth: boolean): { low: number; high: number; share: number } {
  const inside = Math.min(Math.max(position, 0), n - 1)
  if (!smooth) return { low: Math.round(inside), high: Math.round(inside), share: 0 }
  const low = Math.floor(inside)
  return { low, high: Math.min(low + 1, n - 1), share: inside - low }
}
