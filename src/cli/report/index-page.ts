import { fileUrl, html, type Html } from '../../report/html.js'
import { renderPage } from '../../report/page.js'
import { counted } from '../counted.js'
import { verdictBadge } from './assessment-section.js'
import { numberAt } from './recorded-runs.js'
import { pageOf, trainingPage } from './report-files.js'
import { formatVolume, thumbnail } from '../../report/scan-sections.js'
import type { ScanReport } from './scan-report.js'
import { median } from '../tables/statistics.js'

/** What the page of all scans says of one. */
export interface IndexRow {
  readonly name: string
  readonly picture: Html
  readonly figures: unknown
  /** By class, both sides together, in mm^3; in voxels if the scan does not say their size. */
  readonly volumes: ReadonlyMap<string, number>
  readonly isKnown: boolean
}

export function indexRow(report: ScanReport): IndexRow {
  const { name, legend, voxelVolume, recorded } = report
  const volumes = new Map<string, number>()
  for (const { group, voxels } of legend.slice(1))
    volumes.set(group, (volumes.get(group) ?? 0) + voxels * (voxelVolume ?? 1))
  const isKnown = voxelVolume !== undefined
  return { name, picture: thumbnail(name, report.volume), figures: recorded?.figures, volumes, isKnown }
}

/** With fewer scans, none can be told apart from the others. */
const fewestScans = 5
/** B. Iglewicz and D. C. Hoaglin, How to Detect and Handle Outliers (1993), label scores beyond it. */
const mostUsual = 3.5

/**
 * Modified z scores, 0.6745 (x - median) / MAD, where MAD is the median distance from the median: an outlier does not
 * hide itself by widening the spread. Undefined for fewer than 5 values, or if half of them are equal.
 */
export function modifiedZ(values: readonly number[]): number[] | undefined {
  if (values.length < fewestScans) return undefined
  const centre = median(values)
  const spread = median(values.map((value) => Math.abs(value - centre)))
  return spread === 0 ? undefined : values.map((value) => (0.6745 * (value - centre)) / spread)
}

/** The page of all scans in a folder. @param pages files that are there: only these are linked */
export function allScansPage(rows: readonly IndexRow[], pages: ReadonlySet<string>, folder: string): string {
  const classes = [...new Set(rows.flatMap(({ volumes }) => [...volumes.keys()]))]
  const scored = rows.some(({ figures }) => numberAt(figures, 'means', 'diceWithLabels') !== undefined)
  const unit = rows.every(({ isKnown }) => isKnown)
    ? 'mm³'
    : 'mm³, or voxels if a scan does not say their size'
  const columns = classes.map((name) => {
    const values = rows.map(({ volumes }) => volumes.get(name))
    const known = values.filter((value) => value !== undefined)
    const scores = known.length === values.length ? modifiedZ(known) : undefined
    return values.map((value, i) => volumeCell(value, scores?.[i]))
  })
  const note =
    rows.length < fewestScans
      ? undefined
      : html`<p class="soft">
          Volumes in bold are outliers: their modified z score, 0.6745 (volume − median) / (median distance
          from the median), is beyond ${mostUsual}.
        </p>`
  const training = pages.has(trainingPage)
    ? html`<p><a href="${fileUrl(trainingPage)}">How training went</a></p>`
    : undefined
  const table = html`
    <p class="soft">Volumes of both sides together, in ${unit}.</p>
    ${note}
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Scan</th>
            <th scope="col">Name</th>
            <th scope="col">Verdict</th>
            ${scored ? html`<th scope="col" class="number">Dice</th>` : undefined}
            ${classes.map((name) => html`<th scope="col" class="number">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ name, picture, figures }, i) =>
              html`<tr>
                <td>${picture}</td>
                <th scope="row">
                  ${pages.has(pageOf(name)) ? html`<a href="${fileUrl(pageOf(name))}">${name}</a>` : name}
                </th>
                <td>${verdictBadge(figures)}</td>
                ${
                  scored
                    ? html`<td class="number">
                        ${numberAt(figures, 'means', 'diceWithLabels')?.toFixed(3) ?? '-'}
                      </td>`
                    : undefined
                }
                ${columns.map((cells) => cells[i])}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  `
  return renderPage(
    'Segmentations',
    html`<h1>Segmentations of ${counted(rows.length, 'scan')}</h1>
      <p class="soft long">${folder}</p>
      ${training} ${rows.length > 0 ? table : undefined}`,
    'broad',
  )
}

function volumeCell(value: number | undefined, z: number | undefined): Html {
  if (value === undefined) return html`<td class="number">-</td>`
  if (z === undefined || Math.abs(z) <= mostUsual) return html`<td class="number">${formatVolume(value)}</td>`
  return html`<td class="number outlier">${formatVolume(value)} (z ${z.toFixed(1)})</td>`
}
