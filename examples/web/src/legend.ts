import { byId } from './dom.js'
import type { ClassSummary } from './protocol.js'

/** Fills the table of classes. @param dice by class, if known */
export function showLegend(classes: readonly ClassSummary[], dice: readonly number[] | undefined): void {
  const body = byId('legend', HTMLTableElement).tBodies[0]!
  body.replaceChildren(...classes.map((entry, c) => row(entry, dice?.[c])))
}

function row({ name, code, colour }: ClassSummary, dice: number | undefined): HTMLTableRowElement {
  const element = document.createElement('tr')
  const heading = document.createElement('th')
  heading.scope = 'row'
  const swatch = document.createElement('span')
  swatch.className = 'swatch'
  swatch.style.background = colour
  heading.append(swatch, name)
  element.append(heading)
  for (const content of [String(code), dice === undefined ? '' : dice.toFixed(3)]) {
    const cell = element.insertCell()
    cell.className = 'number'
    cell.textContent = content
  }
  return element
}
