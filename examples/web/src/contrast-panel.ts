import { byId, say } from './dom.js'
import { setGrouping } from './forms.js'
import type { DataSummary } from './protocol.js'
import { groupingOf } from './roles.js'

/** Says which scan is which channel of the network, if there are several, and lets the visitor change it. */
export class ContrastPanel {
  private readonly groups = byId('grouping-label', HTMLLabelElement)
  private readonly list = byId('contrasts', HTMLOListElement)
  private readonly hint = byId('contrast-hint', HTMLParagraphElement)

  /**
   * @param regroup called when scans are of one person now, or no longer
   * @param arrange called with another order of the contrasts: positions in the present one
   */
  constructor(
    private readonly form: HTMLFormElement,
    regroup: () => void,
    private readonly arrange: (order: readonly number[]) => void,
  ) {
    byId('grouping', HTMLSelectElement).addEventListener('change', regroup)
    const chosen = byId('scan-files', HTMLInputElement)
    // What held of other scans need not hold of these.
    chosen.addEventListener('change', () => {
      setGrouping(form, groupingOf([...(chosen.files ?? [])].map(({ name }) => name)))
    })
  }

  /** @param files how many scans were chosen; 0 if the data are others, which stay as they are */
  show({ scans }: DataSummary, files: number): void {
    const contrasts = scans[0]?.contrasts ?? []
    if (files > 1) setGrouping(this.form, scans.length === 1 ? 'contrasts' : 'people')
    const several = contrasts.length > 1
    this.groups.hidden = files < 2
    const movable = files > 0
    this.list.replaceChildren(
      ...(several ? contrasts.map((name, c) => this.item(name, c, contrasts, movable)) : []),
    )
    say(
      this.hint,
      several
        ? 'Weights do not record which contrast is which channel: the order must be that of their training.'
        : files > 1
          ? 'A network sees one of these scans at a time.'
          : '',
    )
  }

  private item(name: string, c: number, { length }: readonly string[], movable: boolean): HTMLLIElement {
    const item = document.createElement('li')
    item.append(Object.assign(document.createElement('span'), { textContent: `Channel ${c + 1}: ${name}` }))
    if (!movable || c === 0) return item
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Move up' })
    button.setAttribute('aria-label', `Move up ${name}`)
    button.addEventListener('click', () => {
      const order = Array.from({ length }, (_, i) => i)
      order.splice(c - 1, 2, c, c - 1)
      this.arrange(order)
    })
    item.append(button)
    return item
  }

  /** Puts the keyboard focus back where it was, or on what took its place. */
  focus(origin: Element | null): void {
    const kept = origin instanceof HTMLElement && origin !== document.body && origin.isConnected
    const target = kept ? origin : this.list.querySelector('button')
    target?.focus({ preventScroll: true })
  }

  /** Keeps order and grouping: weights have learnt from them, and would be lost with them. */
  settle(): void {
    for (const button of this.list.querySelectorAll('button')) button.remove()
    if (this.groups.hidden) return
    this.groups.hidden = true
    say(
      this.hint,
      'The weights have learnt from these scans as they are; to group them otherwise, open them again.',
    )
  }

  /** While a run is under way. */
  set busy(busy: boolean) {
    for (const button of this.list.querySelectorAll('button')) button.disabled = busy
  }
}
