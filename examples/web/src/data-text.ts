import { byId } from './dom.js'
import type { DataSummary } from './protocol.js'

/** Says what the data are, and what was odd about the files. */
export function describeData({ description, classes, priorDice, notes, weights }: DataSummary): void {
  const score = priorDice === undefined ? '' : ` Mean Dice of the prior alone: ${priorDice.toFixed(3)}.`
  const what = classes.length > 0 ? `, ${classes.length} classes` : ''
  byId('data-text', HTMLParagraphElement).textContent = `${description}${what}.${score}`
  byId('notes', HTMLUListElement).replaceChildren(
    ...[...(weights ? [weights.line] : []), ...notes].map((text) =>
      Object.assign(document.createElement('li'), { textContent: text }),
    ),
  )
}
