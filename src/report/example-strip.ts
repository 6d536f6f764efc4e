import { parseHex } from './colours.js'
import { html, type Html } from './html.js'
import { boundsOfHead, cropped, renderSlices, type OverlaidVolume } from './overlay.js'
import { pngUrl, type Picture } from './png.js'
import type { PlaneName, SliceGrid } from './slices.js'

/** A plane of a scan and its classes at several moments, all in the order of the array. */
interface StripPlane {
  readonly plane: PlaneName
  /** One voxel thick. */
  readonly grid: SliceGrid
  /** Black to white. */
  readonly scan: Uint8Array
}

interface Strip {
  readonly planes: readonly StripPlane[]
  /** The background first. */
  readonly classes: readonly { readonly name: string; readonly colour: string }[]
  /** For each moment, the classes of each plane. */
  readonly moments: readonly { readonly caption: string; readonly labels: readonly Uint8Array[] }[]
  /** Whether the scan says which side is which. */
  readonly known: boolean
}

/** Pixels of the longest side of a picture. */
const longest = 150

/** Of the scan, whose voxels are bytes. */
const window = [0, 255] as const

/** The planes of a scan one above the other, and beside it the same with the colours of each moment, with a legend. */
export function exampleStrip({ planes, classes, moments, known }: Strip): Html {
  const palette = classes.map(({ colour }, i) => (i === 0 ? undefined : parseHex(colour.slice(1))))
  const at = (i: number, labels: Uint8Array | undefined): OverlaidVolume => {
    const { grid, scan } = planes[i]!
    return { grid, scan: Float32Array.from(scan), labels: labels ?? new Uint8Array(scan.length), palette }
  }
  // The same part at every moment: where any of them has a colour.
  const parts = planes.map((_, i) =>
    boundsOfHead(at(i, highest(moments.map(({ labels }) => labels[i]!))), window),
  )
  const extents = planes.flatMap(({ grid }, i) =>
    parts[i]!.shape.map((extent, axis) => extent * grid.spacing[axis]!),
  )
  const scale = longest / Math.max(...extents)
  const figure = (caption: string, labels: readonly Uint8Array[] | undefined): Html => {
    const images = planes.map(({ plane }, i) => {
      const what = known ? `${plane} slice` : `slice ${i + 1} of ${planes.length}`
      const part = cropped(at(i, labels?.[i]), parts[i]!)
      const picture = renderSlices(part, { plane, depth: 0, scale, window, marked: false }).overlaid
      return image(picture, labels ? `${caption}: ${what}, scan with segmentation` : `scan: ${what}`)
    })
    return html`<figure>
      ${images}
      <figcaption>${caption}</figcaption>
    </figure>`
  }
  const present = new Set(moments.flatMap(({ labels }) => labels.flatMap((voxels) => [...new Set(voxels)])))
  const shown = classes.filter((_, i) => i > 0 && present.has(i))
  return html`
    <div class="strip">
      ${figure('scan', undefined)} ${moments.map(({ caption, labels }) => figure(caption, labels))}
    </div>
    <ul class="legend">
      ${shown.map(
        ({ name, colour }) =>
          html`<li><span class="swatch" style="background: ${colour}"></span> ${name}</li>`,
      )}
    </ul>
  `
}

/** The largest label of each voxel, 0 where all have the background. */
function highest(moments: readonly Uint8Array[]): Uint8Array | undefined {
  return moments[0]?.map((first, i) => moments.reduce((most, labels) => Math.max(most, labels[i]!), first))
}

function image(picture: Picture, alternative: string): Html {
  const { width, height } = picture
  return html`<img src="${pngUrl(picture)}" width="${width}" height="${height}" alt="${alternative}" />`
}
