import { type LabelTable } from 'sae-webgpu'
import { describeAxes, voxelSize, type Grid } from 'sae-webgpu/io'
import { classColour, html, regionsTable, renderPage, slicesSection } from 'sae-webgpu/report'
import type { Scan } from './data-set.js'

/** One file of HTML about a segmentation: slices, and the volumes of the regions. @param classes on `grid`, [D, H, W] */
export function reportOf(
  { name, data, original }: Scan,
  classes: Uint8Array,
  grid: Grid,
  table: LabelTable,
): Uint8Array<ArrayBuffer> {
  const size = voxelSize(grid.affine)
  const voxels = table.classes.map(() => 0)
  for (const c of classes) voxels[c]!++
  const rows = table.classes.map(({ name: region, codes }, c) => {
    return { value: codes[0]!, name: region, colour: classColour(c), voxels: voxels[c]! }
  })
  const volume = {
    grid: { shape: grid.shape, spacing: size, orientation: describeAxes(grid) },
    scan: original?.data ?? data,
    labels: classes,
    palette: rows.map(({ colour }, c) => (c === 0 ? undefined : colour)),
  }
  const body = html`
    <h1>${name}</h1>
    <p class="soft">
      Segmented in the browser by a Segmentation Auto-Encoder, on ${new Date().toLocaleString()}
    </p>
    ${slicesSection({ volume, affine: grid.known ? grid.affine : undefined })}
    <h2>Regions</h2>
    ${regionsTable(rows, grid.known ? size[0] * size[1] * size[2] : undefined)}
  `
  return new TextEncoder().encode(renderPage(`${name}: segmentation`, body))
}
