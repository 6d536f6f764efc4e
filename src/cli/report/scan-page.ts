import { html, type Html, type HtmlPart } from '../../report/html.js'
import { centreOf, chosenPlanes, croppedToHead, renderSlices, windowOf } from '../../report/overlay.js'
import { pngUrl } from '../../report/png.js'
import { axisAcross, type PlaneName } from '../../report/slices.js'
import { toHex } from '../../report/colours.js'
import { renderPage } from '../../report/page.js'
import { assessmentSection, verdictBadge } from './assessment-section.js'
import { provenanceSections } from './provenance-section.js'
import type { ScanReport } from './scan-report.js'

/** Pixels of the longest side of the head in the large and in the small pictures. */
const large = 300
const small = 170

/** The page of one scan. */
export function scanPage(report: ScanReport): string {
  const { name, scan, recorded, grid } = report
  const sides = grid.known
    ? html`The patient’s right is on the right of the picture (neurological convention); the letters beside it
      say so: L left, R right, A front, P back.`
    : html`The scan does not say how it lies, so the planes are named by the axes of its array.`
  const body = html`
    <h1>${name}</h1>
    <p class="soft">Segmentation of <span class="long">${scan}</span></p>
    <p>${verdictBadge(recorded?.figures)}</p>
    ${pictures(report)}
    <p class="soft">${sides}</p>
    <div class="columns">
      <section>
        <h2>Regions</h2>
        ${legend(report)}
      </section>
      ${recorded ? assessmentSection(recorded.figures) : undefined}
    </div>
    ${
      recorded
        ? provenanceSections(recorded.run)
        : html`<p>No run.json in this folder says how it was made.</p>`
    }
  `
  return renderPage(`${name}: segmentation`, body)
}

/** The middle of the head from above, with the colours over it, for a table of scans. */
export function thumbnail(report: ScanReport): Html {
  const { volume } = croppedToHead(report.volume)
  const depth = centreOf(volume)[axisAcross(volume.grid, 'axial')]
  const scale = scaleFor(volume.grid, 110)
  const view = { plane: 'axial', depth, scale, window: windowOf(report.volume.scan), marked: false } as const
  const { overlaid } = renderSlices(volume, view)
  return image(overlaid, `axial slice of ${report.name} with its segmentation`)
}

function pictures(report: ScanReport): Html {
  const { volume, start } = croppedToHead(report.volume)
  const planes = chosenPlanes(volume, centreOf(volume))
  const window = windowOf(report.volume.scan)
  const figures = (list: typeof planes.central, longest: number) =>
    list.map(({ plane, depth }) => {
      const view = { plane, depth, scale: scaleFor(volume.grid, longest), window, marked: report.grid.known }
      const { plain, overlaid } = renderSlices(volume, view)
      const caption = describePlane(report, plane, depth + start[axisAcross(volume.grid, plane)])
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
  `
}

function scaleFor(
  { shape, spacing }: { shape: readonly number[]; spacing: readonly number[] },
  longest: number,
) {
  return longest / Math.max(...shape.map((extent, axis) => extent * spacing[axis]!))
}

function image(picture: Parameters<typeof pngUrl>[0], alternative: string): Html {
  const { width, height } = picture
  return html`<img src="${pngUrl(picture)}" width="${width}" height="${height}" alt="${alternative}" />`
}

const worldAxes: Readonly<Record<PlaneName, readonly [name: string, row: number]>> = {
  sagittal: ['x', 0],
  coronal: ['y', 1],
  axial: ['z', 2],
}

/** `axial, z = 12 mm`: where the plane meets the middle of the volume; `axis 1, plane 80` if the file does not say. */
function describePlane({ grid, volume }: ScanReport, plane: PlaneName, depth: number): string {
  // Which direction of the head an axis has is not known.
  if (!grid.known) return `axis ${axisAcross(volume.grid, plane) + 1}, plane ${depth}`
  const [name, row] = worldAxes[plane]
  const axis = axisAcross(volume.grid, plane)
  const at = [0, 1, 2].map((i) => (i === axis ? depth : (grid.shape[i]! - 1) / 2))
  const affine = grid.affine[row]!
  const place = at.reduce((sum, index, i) => sum + affine[i]! * index, affine[3]!)
  return `${plane}, ${name} = ${place.toFixed(0).replace(/^-0$/, '0')} mm`
}

/** Volumes in mm^3 with thin spaces between the thousands. */
export function formatVolume(volume: number): string {
  return volume.toFixed(0).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

function legend({ legend, voxelVolume }: ScanReport): Html {
  const rows = legend.map(({ value, name, colour, voxels }, i): HtmlPart => {
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
      ${rows}
    </tbody>
  </table>`
}
