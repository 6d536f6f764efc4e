import { html, type Html } from '../../report/html.js'
import { listAt, textAt, valueAt } from './recorded-runs.js'

/** How something was made: command, versions, adapter, settings and checksums of a run in run.json. */
export function provenanceSections(run: unknown): Html {
  const words = listAt(run, 'arguments').map((word) => quoteWord(String(word)))
  const versions = entriesOf(valueAt(run, 'versions')).map(([name, version]) => `${name} ${show(version)}`)
  const facts = [
    ['Command', `${textAt(run, 'program') ?? 'sae'} ${words.join(' ')}`],
    ['In the folder', textAt(run, 'folder')],
    ['Started', textAt(run, 'started')],
    ['Ended', textAt(run, 'ended')],
    ['Versions', versions.join(', ')],
    ['Platform', textAt(run, 'platform')],
    ['Adapter', [textAt(run, 'adapter', 'name'), kindOf(run)].filter(Boolean).join(', ')],
  ] as const
  const settings = [...entriesOf(valueAt(run, 'options')), ...entriesOf(valueAt(run, 'settings'))]
  const row = (name: string, text: string) =>
    html`<tr>
      <th scope="row">${name}</th>
      <td class="long">${text}</td>
    </tr>`
  return html`
    <section>
      <h2>How it was made</h2>
      <table>
        <tbody>
          ${facts.map(([name, text]) => (text === undefined || text === '' ? undefined : row(name, text)))}
        </tbody>
      </table>
    </section>
    <section>
      <h2>Settings</h2>
      <table>
        <tbody>
          ${settings.map(([name, value]) => row(name, show(value)))}
        </tbody>
      </table>
    </section>
    <section>
      <h2>Files that were read</h2>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">File</th>
              <th scope="col">SHA-256</th>
            </tr>
          </thead>
          <tbody>
            ${listAt(run, 'inputs').map(
              (input) =>
                html`<tr>
                  <th scope="row">${textAt(input, 'role')}</th>
                  <td class="long">${textAt(input, 'path')}</td>
                  <td class="long">${textAt(input, 'sha256')}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>
  `
}

function kindOf(run: unknown): string | undefined {
  const kind = textAt(run, 'adapter', 'kind')
  return kind === undefined ? undefined : `kind ${kind}`
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A word of a command line as a shell takes it. */
function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
