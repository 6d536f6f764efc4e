import { parseHex, type Colour } from './colours.js'
import { html, type Html } from './html.js'
import { renderSlices } from './overlay.js'
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

/** The planes of a scan one above the other, and beside it the same with the colours of each moment, with a legend. */
export function exampleStrip({ planes, classes, moments, known }: Strip): Html {
  const palette = classes.map(({ colour }, i) => (i === 0 ? undefined : parseHex(colour.slice(1))))
  const extents = planes.flatMap(({ grid }) => grid.shape.map((extent, axis) => extent * grid.spacing[axis]!))
  const scale = longest / Math.max(...extents)
  const figure = (caption: string, labels: readonly Uint8Array[] | undefined): Html => {
    const images = planes.map((plane, i) => {
      const what = known ? `${plane.plane} slice` : `slice ${i + 1} of ${planes.length}`
      const picture = draw(plane, labels?.[i], palette, scale)
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

function draw(
  { plane, grid, scan }: StripPlane,
  labels: Uint8Array | undefined,
  palette: readonly (Colour | undefined)[],
  scale: number,
): Picture {
  const volume = {
    grid,
    scan: Float32Array.from(scan),
    labels: labels ?? new Uint8Array(scan.length),
    palette,
  }
  return renderSlices(volume, { plane, depth: 0, scale, window: [0, 255], marked: false }).overlaid
}

function image(picture: Picture, alternative: string): Html {
  const { width, height } = picture
  return html`<img src="${pngUrl(picture)}" width="${width}" height="${height}" alt="${alternative}" />`
}
