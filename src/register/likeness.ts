import { warpImage, warpLabels } from '../sae/synth/warp.js'
import { cutOut, grownBox } from './box.js'
import { thinned, type PlacedImage, type PlacedLabels } from './image.js'
import { croppedGrid, spacingOf } from './placed.js'
import { Pullback } from './pullback.js'
import type { Likeness } from './smooth-fit.js'

/** Levels of intensity whose counterpart in the other scan is told apart. */
const bins = 64

/** A scan of any contrast: every intensity becomes what the fixed scan has on average where it lies. */
export function likenessOfScan(moving: PlacedImage): Likeness {
  return (scan, transform) => {
    const coarse = thinned(moving, Math.max(...spacingOf(scan)))
    const seen = warpImage(coarse.data, new Pullback(coarse, scan, transform))
    const bin = (value: number): number => Math.min(Math.max(value, 0), 1) * (bins - 1)
    const means = meansOf(scan.data, Uint8Array.from(seen, (value) => Math.round(bin(value))), bins)
    const data = coarse.data.map((value) => {
      const at = Math.min(Math.floor(bin(value)), bins - 2)
      const t = bin(value) - at
      return (1 - t) * means[at]! + t * means[at + 1]!
    })
    return { ...coarse, data }
  }
}

/** A label map: every category is painted with the mean of the scan where it lies. */
export function likenessOfLabels(labels: PlacedLabels): Likeness {
  const [d, h, w] = spacingOf(labels)
  const margin = 16
  const box = grownBox(labels.data, labels.shape, 0, [margin / d, margin / h, margin / w])
  const grid = croppedGrid(labels, box.start, box.stop)
  const inside = cutOut(labels.data, labels.shape, box)
  return (scan, transform) => {
    const seen = warpLabels(inside, new Pullback(grid, scan, transform))
    const means = meansOf(scan.data, seen, labels.count)
    const painted = Float32Array.from(inside, (category) => means[category]!)
    return thinned({ ...grid, data: painted }, Math.max(...spacingOf(scan)))
  }
}

/** The mean of the values of each kind; a kind without any takes that of the kind before. */
function meansOf(values: Float32Array, kinds: Uint8Array, count: number): Float64Array {
  const [sums, counts] = [new Float64Array(count), new Float64Array(count)]
  values.forEach((value, i) => {
    sums[kinds[i]!]! += value
    counts[kinds[i]!]!++
  })
  let before = 0
  return sums.map((sum, kind) => {
    if (counts[kind]! > 0) before = sum / counts[kind]!
    return before
  })
}
