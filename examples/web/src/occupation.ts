import { byId } from './dom.js'

/** What is under way and has data and weights to itself. */
export class Occupation {
  /** Set without `set`, it disables nothing: for what takes a moment. */
  task: 'run' | 'reading' | undefined
  private readonly openButtons = ['try', 'open', 'open-more', 'try-again'].map((id) =>
    byId(id, HTMLButtonElement),
  )

  /**
   * @param forms those that change the data
   * @param changed disables what else would change data or weights, or enables it again
   */
  constructor(
    private readonly forms: readonly HTMLFormElement[],
    private readonly changed: (busy: boolean) => void,
  ) {}

  /** Disables everything that would change data or weights meanwhile; enables it if nothing is under way. */
  set(task: Occupation['task']): void {
    this.task = task
    const busy = task !== undefined
    for (const form of this.forms) {
      for (const field of form.elements) (field as HTMLInputElement).disabled = busy
    }
    for (const button of this.openButtons) button.disabled = busy
    this.changed(busy)
  }

  /** @throws Error while a run is under way or data are being read */
  requireIdle(): void {
    if (this.task === 'run') throw new Error('a run is under way; stop it first')
    if (this.task) throw new Error('the page is still reading; try again in a moment')
  }
}
