import type { Warp } from '../../sae/synth/warp.js'

/** The share of a structure's voxels that a scan without a skull may show nothing of before it counts as stripped. */
const mostlyEmpty = 0.8

/** The share of all labels that has to lie there before it is worth a word. */
const notable = 0.05

/** Codes of a label map that lie where a scan shows nothing. */
export interface CodesOutside {
  /** In ascending order; ranges of codes that the map holds, such as `24,500-530`. */
  readonly codes: string
  /** Their share of the voxels that have a label. */
  readonly share: number
}

/**
 * Finds the labels of what a scan was stripped of, such as the skull: codes of the rest class, most of whose voxels
 * lie where the scan is empty.
 *
 * @param codes of the map
 * @param warp from the scan's grid into the map
 * @param scan intensities, 0 where it is empty
 * @param classes of the map's voxels
 * @param rest the class of what has none of its own, if there is one
 * @returns undefined if they are few
 */
export function codesOutside(
  codes: Float64Array,
  warp: Warp,
  scan: Float32Array,
  classes: Uint8Array,
  rest: number | undefined,
): CodesOutside | undefined {
  if (rest === undefined) return undefined
  const [D, H, W] = warp.source
  const counts = new Map<number, { seen: number; empty: number }>()
  let labelled = 0
  warp.forEachRow((offset, x, y, z) => {
    for (let w = 0; w < x.length; w++) {
      const [d, h, v] = [Math.round(x[w]!), Math.round(y[w]!), Math.round(z[w]!)]
      if (d < 0 || d >= D || h < 0 || h >= H || v < 0 || v >= W) continue
      const at = (d * H + h) * W + v
      const code = codes[at]!
      if (code === 0) continue
      labelled++
      if (classes[at] !== rest) continue
      const count = counts.get(code) ?? { seen: 0, empty: 0 }
      counts.set(code, count)
      count.seen++
      if (scan[offset + w] === 0) count.empty++
    }
  })
  const outside = new Set(
    [...counts].flatMap(([c, { seen, empty }]) => (empty > mostlyEmpty * seen ? c : [])),
  )
  const voxels = [...outside].reduce((sum, code) => sum + counts.get(code)!.seen, 0)
  if (voxels <= notable * labelled) return undefined
  return { codes: formatRanges(outside, new Set(codes)), share: voxels / labelled }
}

/** Codes as ranges that hold no other code of those that occur. */
function formatRanges(wanted: ReadonlySet<number>, occurring: ReadonlySet<number>): string {
  const ranges: [number, number][] = []
  let open = false
  for (const code of [...occurring].sort((a, b) => a - b)) {
    if (!wanted.has(code)) open = false
    else if (open) ranges.at(-1)![1] = code
    else {
      ranges.push([code, code])
      open = true
    }
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}
