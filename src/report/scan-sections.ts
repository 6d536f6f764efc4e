import { toHex, type Colour } from './colours.js'
import { html, type Html, type HtmlPart } from './html.js'
import {
  centreOf,
  chosenPlanes,
  croppedToHead,
  renderSlices,
  windowOf,
  type OverlaidVolume,
} from './overlay.js'
import { pngUrl, type Picture } from './png.js'
import { axisAcross, type PlaneName } from './slices.js'

/** A segmented scan, for a page about it. */
export interface ShownScan {
  /** Scan, labels and colours. */
  readonly volume: OverlaidVolume
  /** Voxels to millimetres of the world; undefined if the file does not say how it lies. */
  readonly affine: readonly (readonly number[])[] | undefined
}

/** A value of a segmentation and what it stands for; the first is the background. */
export interface RegionRow {
  /** In the file. */
  readonly value: number
  /** Of the region. */
  readonly name: string
  /** In the pictures. */
  readonly colour: Colour
  /** How many have this value. */
  readonly voxels: number
}

/** Pixels of the longest side of the head in the large and in the small pictures. */
const large = 300
const small = 170

/** Slices of a scan beside the same with its segmentation over them: through the centre, then more. */
export function slicesSection(shown: ShownScan): Html {
  const { volume, start } = croppedToHead(shown.volume)
  const planes = chosenPlanes(volume, centreOf(volume))
  const window = windowOf(shown.volume.scan)
  const figures = (list: typeof planes.central, longest: number) =>
    list.map(({ plane, depth }) => {
      const scale = scaleFor(volume, longest)
      const view = { plane, depth, scale, window, marked: shown.affine !== undefined }
      const { plain, overlaid } = renderSlices(volume, view)
      const caption = describePlane(shown, plane, depth + start[axisAcross(volume.grid, plane)])
      return html`<figure>
        <div class="pair">
          ${image(plain, `${caption}: scan`)}${image(overlaid, `${caption}: scan with segmentation`)}
        </div>
        <figcaption>${caption}</figcaption>
      </figure>`
    })
  return html`
    <h2>Through the centre</h2>
    <div class="slices">${figures(planes.central, large)}</div>
    <h2>More slices</h2>
    <div class="slices">${figures(planes.more, small)}</div>
    <p class="soft">${sidesOf(shown)}</p>
  `
}

/** The middle of the head from above, with the colours over it, for a table of scans. */
export function thumbnail(name: string, shown: OverlaidVolume): Html {
  const { volume } = croppedToHead(shown)
  const depth = centreOf(volume)[axisAcross(volume.grid, 'axial')]
  const scale = scaleFor(volume, 110)
  const view = { plane: 'axial', depth, scale, window: windowOf(shown.scan), marked: false } as const
  const { overlaid } = renderSlices(volume, view)
  return image(overlaid, `axial slice of ${name} with its segmentation`)
}

/** The regions with their colours and volumes. @param voxelVolume in mm^3; undefined if the file does not say */
export function regionsTable(rows: readonly RegionRow[], voxelVolume: number | undefined): Html {
  const body = rows.map(({ value, name, colour, voxels }, i): HtmlPart => {
    const swatch =
      i === 0 ? undefined : html`<span class="swatch" style="background: ${toHex(colour)}"></span>`
    return html`<tr>
      <td>${swatch}</td>
      <th scope="row">${name}</th>
      <td class="number">${value}</td>
      <td class="number">${formatVolume(voxels * (voxelVolume ?? 1))}</td>
    </tr>`
  })
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Colour</th>
        <th scope="col">Region</th>
        <th scope="col" class="number">Code</th>
        <th scope="col" class="number">${voxelVolume === undefined ? 'Voxels' : 'Volume, mm³'}</th>
      </tr>
    </thead>
    <tbody>
      ${body}
    </tbody>
  </table>`
}

/** Volumes in mm^3 with thin spaces between the thousands. */
export function formatVolume(volume: number): string {
  return volume.toFixed(0).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

function sidesOf({ affine }: ShownScan): Html {
  return affine
    ? html`The patient’s right is on the right of the picture (neurological convention); the letters beside it
      say so: L left, R right, A front, P back.`
    : html`The scan does not say how it lies, so the planes are named by the axes of its array.`
}

function scaleFor({ grid: { shape, spacing } }: OverlaidVolume, longest: number): number {
  return longest / Math.max(...shape.map((extent, axis) => extent * spacing[axis]!))
}

function image(picture: Picture, alternative: string): Html {
  const { width, height } = picture
  return html`<img src="${pngUrl(picture)}" width="${width}" height="${height}" alt="${alternative}" />`
}

const worldAxes: Readonly<Record<PlaneName, readonly [name: string, row: number]>> = {
  sagittal: ['x', 0],
  coronal: ['y', 1],
  axial: ['z', 2],
}

/** `axial, z = 12 mm`: where the plane meets the middle of the volume; `axis 1, plane 80` if the file does not say. */
function describePlane({ affine, volume: { grid } }: ShownScan, plane: PlaneName, depth: number): string {
  const axis = axisAcross(grid, plane)
  // Which direction of the head an axis has is not known.
  if (!affine) return `axis ${axis + 1}, plane ${depth}`
  const [name, row] = worldAxes[plane]
  const at = [0, 1, 2].map((i) => (i === axis ? depth : (grid.shape[i]! - 1) / 2))
  const steps = affine[row]!
  const place = at.reduce((sum, index, i) => sum + steps[i]! * index, steps[3]!)
  return `${plane}, ${name} = ${place.toFixed(0).replace(/^-0$/, '0')} mm`
}
