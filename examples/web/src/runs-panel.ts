import { byId } from './dom.js'
import type { Engine } from './engine.js'
import type { SavedRun } from './protocol.js'

/** The runs that are saved in this browser: the latest is offered to a returning visitor, all are listed. */
export class RunsPanel {
  private occupied = false
  private readonly banner = byId('saved', HTMLDivElement)
  private readonly items = byId('run-list', HTMLUListElement)

  /** @param guarded runs an action and shows its failure */
  constructor(
    private readonly engine: Engine,
    private readonly guarded: (action: () => Promise<void>) => Promise<void>,
    private readonly resume: (run: SavedRun) => Promise<void>,
  ) {
    byId('saved-dismiss', HTMLButtonElement).addEventListener('click', () => {
      this.dismiss()
    })
  }

  /** Offers the latest run, where the visitor looks. */
  async offer(): Promise<void> {
    const [latest] = await this.list()
    if (!latest) return
    byId('saved-text', HTMLParagraphElement).textContent =
      `Resume the run of ${latest.name}: ${describeRun(latest)}?`
    byId('saved-restore', HTMLButtonElement).onclick = () => void this.guarded(() => this.resume(latest))
    this.banner.hidden = false
    this.banner.scrollIntoView({ block: 'nearest' })
  }

  /** While a run is under way, none can be resumed. */
  set busy(busy: boolean) {
    this.occupied = busy
    for (const button of this.items.querySelectorAll('button')) button.disabled = busy
  }

  dismiss(): void {
    this.banner.hidden = true
  }

  /** Lists them, the latest first. */
  async list(): Promise<readonly SavedRun[]> {
    // If the browser cannot store runs, there is none to list.
    const runs = await this.engine.call('savedRuns').catch(() => [])
    byId('runs', HTMLElement).hidden = runs.length === 0
    // A name that is being edited stays.
    const { activeElement } = document
    if (!(activeElement instanceof HTMLInputElement && this.items.contains(activeElement)))
      this.items.replaceChildren(...runs.map((run) => this.item(run)))
    return runs
  }

  private item(run: SavedRun): HTMLLIElement {
    const element = document.createElement('li')
    const name = document.createElement('input')
    name.value = run.name
    name.setAttribute('aria-label', 'Name of the run')
    name.addEventListener('change', () => {
      const wanted = name.value.trim() || run.description
      void this.guarded(() => this.change(this.engine.call('rename', run.id, wanted)))
    })
    const text = document.createElement('p')
    text.className = 'hint'
    text.textContent = describeRun(run)
    const buttons = document.createElement('div')
    buttons.className = 'buttons'
    buttons.append(
      this.button('Resume', run, () => this.resume(run)),
      this.button('Delete', run, () => this.change(this.engine.call('forget', run.id))),
    )
    element.append(name, text, buttons)
    return element
  }

  private async change(change: Promise<void>): Promise<void> {
    await change
    this.dismiss()
    await this.list()
  }

  private button(text: string, { name }: SavedRun, action: () => Promise<void>): HTMLButtonElement {
    const element = document.createElement('button')
    Object.assign(element, { type: 'button', textContent: text, disabled: this.occupied })
    element.setAttribute('aria-label', `${text} ${name}`)
    element.addEventListener('click', () => void this.guarded(action))
    return element
  }
}

/** How far a run is, in words. */
function describeRun({ state: { stage, epoch, settings }, saved }: SavedRun): string {
  const epochs = stage === 'training' ? settings.trainingEpochs : settings.pretrainingEpochs
  const when = new Date(saved).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
  return `${stage}, epoch ${epoch} of ${epochs} done, saved on ${when}`
}
