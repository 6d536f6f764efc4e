/** Side of the squares that are transposed at a time, so that source and target stay in the cache. */
const TILE = 16

/** `[channels, D, H, W]`. */
export type Shape4 = readonly [number, number, number, number]

/** Strides, in elements, of a `[C, D, H, W]` array kept in Fortran order: C fastest. */
export function fortranStrides([c, d, h]: Shape4): Shape4 {
  return [1, c, c * d, c * d * h]
}

/**
 * Copies a strided array of four axes into C order.
 *
 * @param data the elements, in the order that `strides` describes
 * @param shape of the result, last axis fastest
 * @param strides in elements: `result[c, d, h, w] = data[c * sc + d * sd + h * sh + w * sw]`
 * @param out receives the result; its elements must be able to hold the values
 * @returns `out`
 */
export function toCOrder<T extends Float64Array | Float32Array | Int32Array | Int16Array | Uint8Array>(
  data: Float32Array | Float64Array,
  shape: Shape4,
  strides: Shape4,
  out: T,
): T {
  const [C, D, H, W] = shape
  const [sc, sd, sh, sw] = strides
  for (let c = 0; c < C; c++) {
    for (let h = 0; h < H; h++) {
      for (let dTile = 0; dTile < D; dTile += TILE) {
        const dEnd = Math.min(dTile + TILE, D)
        for (let wTile = 0; wTile < W; wTile += TILE) {
          const wEnd = Math.min(wTile + TILE, W)
          for (let d = dTile; d < dEnd; d++) {
            const to = ((c * D + d) * H + h) * W
            const from = c * sc + d * sd + h * sh
            for (let w = wTile; w < wEnd; w++) out[to + w] = data[from + w * sw]!
          }
        }
      }
    }
  }
  return out
}
