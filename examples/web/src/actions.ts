import { byId, lineOf, say } from './dom.js'

/** Whether the device is lost: other failures then follow from that and are not shown. */
let muted = false

/** Does what the visitor started. A failure is shown as one line, which the next action clears. */
export async function guarded(action: () => Promise<void>): Promise<void> {
  showError(undefined)
  try {
    await action()
  } catch (error) {
    showError(error)
  }
}

/** Does that for one value after the other, in the order in which they come. */
export function inTurn<T>(action: (value: T) => Promise<void>): (value: T) => void {
  let turn = Promise.resolve()
  return (value) => {
    turn = turn.then(() => guarded(() => action(value)))
  }
}

export function showError(error: unknown): void {
  if (muted) return
  say(byId('error', HTMLParagraphElement), error === undefined ? '' : lineOf(error))
}

/** Shows no failures, or shows them again. */
export function muteErrors(mute: boolean): void {
  showError(undefined)
  muted = mute
}

export function onSubmit(form: HTMLFormElement, action: () => Promise<void>): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void guarded(action)
  })
  // The browser points at a wrong value instead of submitting. It cannot if the value is folded away: the button would seem
  // to do nothing.
  form.addEventListener(
    'invalid',
    ({ target }) => {
      // It was of an earlier action.
      showError(undefined)
      const folded = target instanceof Element ? target.closest('details') : null
      if (folded) folded.open = true
    },
    { capture: true },
  )
}

export function onClick(id: string, action: () => Promise<void>): void {
  byId(id, HTMLButtonElement).addEventListener('click', () => void guarded(action))
}
