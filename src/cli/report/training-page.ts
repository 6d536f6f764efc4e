import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { renderCurves } from '../../report/curves.js'
import { exampleStrip } from '../../report/example-strip.js'
import { Html, html } from '../../report/html.js'
import { renderPage } from '../../report/page.js'
import { examplesBeside, readExamples, type ExampleFile } from '../examples/run-examples.js'
import { parseCsv, readTableText } from '../tables/csv.js'
import { provenanceSections } from './provenance-section.js'
import { listAt, textAt } from './recorded-runs.js'

/** The log of a run, one row per step. */
export interface TrainingLog {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly ReadonlyMap<string, string>[]
  /** How the segmentation of one scan developed, if the run left that. */
  readonly examples: ExampleFile | undefined
}

/**
 * The logs that `sae pretrain` and `sae train` left in a folder; whatever else is named so is left alone.
 *
 * @throws UserError if a file cannot be read
 */
export async function readLogs(folder: string): Promise<TrainingLog[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.csv')).sort()
  const logs: TrainingLog[] = []
  for (const name of names) {
    const path = join(folder, name)
    if (!(await holdsText(path))) continue
    const text = await readTableText(path)
    // A full disk, or a run that still writes, leaves a row that is not whole.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    if (!whole.startsWith('epoch,step,')) continue
    const table = parseCsv(whole, path)
    logs.push({ name, ...table, examples: await readExamples(examplesBeside(path)) })
  }
  return logs
}

/** False for a folder, a pipe, a link to nothing and an empty file. */
async function holdsText(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size > 0
}

/** Columns that are no curve of their own. */
const others = ['epoch', 'step', 'seconds']
const isDice = (column: string): boolean => column.startsWith('dice_')

/** The page of what was learnt in a folder: a chart for every figure of its logs, and how the runs were made. */
export function trainingPageOf(logs: readonly TrainingLog[], runs: readonly unknown[]): string {
  const learnt = runs.filter((run) => ['pretrain', 'train'].includes(textAt(run, 'command') ?? ''))
  const body = html`
    <h1>How training went</h1>
    ${logs.map(logSection)}
    ${learnt.map(
      (run) =>
        html`<section>
          <h2>Run: sae ${textAt(run, 'command')}</h2>
          ${
            listAt(run, 'figures', 'segmentations').length > 0
              ? html`<p class="soft">Its assessment is in run.json.</p>`
              : undefined
          }
          ${provenanceSections(run)}
        </section>`,
    )}
  `
  return renderPage('How training went', body)
}

function logSection(log: TrainingLog): Html {
  const { name, columns, rows, examples } = log
  const last = rows.at(-1)
  const charts = columns.filter((column) => !others.includes(column) && !isDice(column))
  const regions = columns.filter(isDice)
  return html`<section>
    <h2>${name}</h2>
    <p class="soft">
      ${rows.length} steps, ${last?.get('epoch') ?? 0} epochs. Each point is the mean of an epoch.
    </p>
    <div class="columns chart">
      ${charts.map((column) => chart(log, column, [column]))}
      ${regions.length > 0 ? chart(log, 'Dice by region', regions) : undefined}
    </div>
    ${examples && examples.examples.length > 0 ? examplesOf(examples) : undefined}
  </section>`
}

function examplesOf({ scan, known, classes, planes, examples }: ExampleFile): Html {
  const moments = examples.map(({ epoch, step, weights, labels }) => {
    const caption = weights === undefined ? `epoch ${epoch}, step ${step}` : `at the end, by ${weights}`
    return { caption, labels }
  })
  return html`
    <h3>One scan, epoch by epoch</h3>
    <p class="soft">
      <span class="long">${scan}</span>, segmented by the weights as they were before the update of the step
      that is named. ${known ? 'The patient’s right is on the right of the picture.' : undefined}
    </p>
    ${exampleStrip({ planes, classes, moments, known })}
  `
}

/** At most this many lines can be told apart. */
const mostLines = 7

function chart({ rows }: TrainingLog, title: string, columns: readonly string[]): Html[] {
  const charts: Html[] = []
  for (let first = 0; first < columns.length; first += mostLines) {
    const series = columns.slice(first, first + mostLines).map((column) => ({
      name: column.replace(/^dice_/, ''),
      ...byEpoch(rows, column),
    }))
    charts.push(
      new Html(renderCurves({ title, series, xLabel: 'epoch', yLabel: title, width: 520, height: 300 })),
    )
  }
  return charts
}

/** The mean of a column over the steps of each epoch, as far as it has values. */
function byEpoch(
  rows: readonly ReadonlyMap<string, string>[],
  column: string,
): { x: number[]; values: number[] } {
  const sums = new Map<number, { sum: number; count: number }>()
  for (const row of rows) {
    const [epoch, text] = [Number(row.get('epoch')), row.get(column) ?? '']
    if (text === '') continue
    const { sum, count } = sums.get(epoch) ?? { sum: 0, count: 0 }
    sums.set(epoch, { sum: sum + Number(text), count: count + 1 })
  }
  return { x: [...sums.keys()], values: [...sums.values()].map(({ sum, count }) => sum / count) }
}
