import { html, type Html } from '../../report/html.js'
import { listAt, numberAt, textAt, valueAt } from './recorded-runs.js'

const grades = ['sound', 'doubtful', 'collapsed']

/** `sound`, `doubtful`, `collapsed` or `not assessed`. @param figures of a segmentation, from run.json */
export function verdictBadge(figures: unknown): Html {
  const grade = textAt(figures, 'verdict', 'grade')
  if (grade === undefined || !grades.includes(grade)) return html`<span class="soft">not assessed</span>`
  return html`<span class="verdict ${grade}">${grade}</span>`
}

/** What the page says of how good a segmentation seems; docs/assessment.md explains the figures. */
const rows: readonly {
  readonly title: string
  readonly path: readonly string[]
  readonly format: 'share' | 'number'
}[] = [
  { title: 'Mean Dice with the reference labels', path: ['means', 'diceWithLabels'], format: 'number' },
  {
    title: 'of the prior’s argmax with the reference labels',
    path: ['means', 'priorWithLabels'],
    format: 'number',
  },
  { title: 'of EM with the reference labels', path: ['means', 'emWithLabels'], format: 'number' },
  { title: 'Mean Dice with the prior’s argmax', path: ['means', 'diceWithPrior'], format: 'number' },
  { title: 'Mean Dice with EM', path: ['means', 'diceWithEm'], format: 'number' },
  { title: 'Foreground called background', path: ['calledBackground'], format: 'share' },
  { title: 'the same of the prior’s argmax', path: ['priorCalledBackground'], format: 'share' },
  { title: 'Cross-entropy to the prior, nats per voxel', path: ['crossEntropy'], format: 'number' },
  { title: 'Entropy of the prior', path: ['priorEntropy'], format: 'number' },
  {
    title: 'Mean squared error of the reconstruction',
    path: ['errors', 'reconstruction'],
    format: 'number',
  },
  { title: 'Mean squared error of class means', path: ['errors', 'classMeans'], format: 'number' },
  {
    title: 'Joint cost of scan and segmentation, nats per voxel',
    path: ['cost', 'segmentation'],
    format: 'number',
  },
  { title: 'of the prior’s argmax', path: ['cost', 'priorArgmax'], format: 'number' },
  { title: 'of EM', path: ['cost', 'em'], format: 'number' },
]

export function assessmentSection(figures: unknown): Html {
  const list = (title: string, items: readonly unknown[]) =>
    items.length === 0
      ? undefined
      : html`<h3>${title}</h3>
          <ul>
            ${items.map((item) => html`<li>${String(item)}</li>`)}
          </ul>`
  const known = rows.flatMap(({ title, path, format }) => {
    const value = numberAt(figures, ...path)
    return value === undefined ? [] : [{ title, text: formatFigure(value, format) }]
  })
  return html`<section>
    <h2>Assessment</h2>
    ${list('Why', listAt(figures, 'verdict', 'reasons'))}
    ${list('What to try', listAt(figures, 'verdict', 'advice'))}
    <table>
      <thead>
        <tr>
          <th scope="col">Figure</th>
          <th scope="col" class="number">Value</th>
        </tr>
      </thead>
      <tbody>
        ${known.map(
          ({ title, text }) =>
            html`<tr>
              <th scope="row">${title}</th>
              <td class="number">${text}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${diceByRegion(figures)}
  </section>`
}

/** The Dice of each region with the reference labels, if those were given. */
function diceByRegion(figures: unknown): Html | undefined {
  const known = listAt(figures, 'classes').flatMap((one) => {
    const [name, dice] = [textAt(one, 'name'), numberAt(one, 'diceWithLabels')]
    return name === undefined || dice === undefined ? [] : [{ name, dice }]
  })
  if (known.length === 0 || valueAt(figures, 'means', 'diceWithLabels') === undefined) return undefined
  return html`<h3>Dice with the reference labels</h3>
    <table>
      <thead>
        <tr>
          <th scope="col">Region</th>
          <th scope="col" class="number">Dice</th>
        </tr>
      </thead>
      <tbody>
        ${known.map(
          ({ name, dice }) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td class="number">${dice.toFixed(3)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
}

function formatFigure(value: number, format: 'share' | 'number'): string {
  return format === 'share' ? `${(100 * value).toFixed(1)} %` : String(Number(value.toPrecision(3)))
}
