import { html } from '../../report/html.js'
import { renderPage } from '../../report/page.js'
import { regionsTable, slicesSection } from '../../report/scan-sections.js'
import { assessmentSection, verdictBadge } from './assessment-section.js'
import { provenanceSections } from './provenance-section.js'
import type { ScanReport } from './scan-report.js'

/** The page of one scan. */
export function scanPage({ name, scan, recorded, grid, volume, legend, voxelVolume }: ScanReport): string {
  const body = html`
    <h1>${name}</h1>
    <p class="soft">Segmentation of <span class="long">${scan}</span></p>
    <p>${verdictBadge(recorded?.figures)}</p>
    ${slicesSection({ volume, affine: grid.known ? grid.affine : undefined })}
    <div class="columns">
      <section>
        <h2>Regions</h2>
        ${regionsTable(legend, voxelVolume)}
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
