import { warpImage, warpLabels } from '../sae/synth/warp.js'
import type { PlacedImage, PlacedLabels } from './image.js'
import { Pullback, type Transform } from './pullback.js'
import { withShells } from './shells.js'
import type { Likeness } from './smooth-fit.js'

/** Levels of intensity that are told apart, of either scan. */
const bins = 128

const binOf = (value: number): number => Math.round(Math.min(Math.max(value, 0), 1) * (bins - 1))

/** A scan of any contrast: every intensity becomes the median of what the fixed scan has where it lies. */
export function likenessOfScan(moving: PlacedImage): Likeness {
  return (scan, transform) => {
    const seen = warpImage(moving.data, new Pullback(moving, scan, transform))
    const medians = mediansOf(scan.data, Uint8Array.from(seen, binOf), bins)
    const brought = warpImage(moving.data, new Pullback(moving, scan, { map: transform.map }))
    return brought.map((value) => medians[binOf(value)]!)
  }
}

/** Steps around the labels that are told from the background beyond. */
const shells = 8

/** A label map: every category, and the background close to it, is painted with the median of the scan where it lies. */
export function likenessOfLabels(labels: PlacedLabels): Likeness {
  const count = labels.count + shells
  return (scan, transform) => {
    const through = (by: Transform): Uint8Array => {
      return withShells(
        warpLabels(labels.data, new Pullback(labels, scan, by)),
        scan.shape,
        labels.count,
        shells,
      )
    }
    const medians = mediansOf(scan.data, through(transform), count)
    return Float32Array.from(through({ map: transform.map }), (category) => medians[category]!)
  }
}

/** The median of the values, 0..1, of each kind; a kind without values takes that of the previous kind. */
function mediansOf(values: Float32Array, kinds: Uint8Array, count: number): Float64Array {
  const histogram = new Float64Array(count * bins)
  values.forEach((value, i) => histogram[kinds[i]! * bins + binOf(value)]!++)
  let before = 0
  return Float64Array.from({ length: count }, (_, kind) => {
    const own = histogram.subarray(kind * bins, (kind + 1) * bins)
    let left = own.reduce((sum, n) => sum + n, 0) / 2
    if (left > 0) {
      const middle = own.findIndex((n) => (left -= n) <= 0)
      before = middle / (bins - 1)
    }
    return before
  })
}
