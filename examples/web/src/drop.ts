import { byId } from './dom.js'

/** Takes files that are dropped anywhere on the page, and shows while they hover that it will. */
export function takeDrops(frame: HTMLElement, take: (files: readonly File[]) => void): void {
  // Every element that the pointer crosses reports entering and leaving.
  let depth = 0
  const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false
  document.addEventListener('dragenter', (event) => {
    if (!holdsFiles(event)) return
    event.preventDefault()
    depth++
    frame.hidden = false
  })
  document.addEventListener('dragleave', (event) => {
    if (!holdsFiles(event)) return
    depth = Math.max(0, depth - 1)
    frame.hidden = depth === 0
  })
  document.addEventListener('dragover', (event) => {
    event.preventDefault()
  })
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    depth = 0
    frame.hidden = true
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length > 0) take(files)
  })
}

/** Takes files that are chosen in the browser's dialogue. @param buttons ids of those that open it */
export function takeChosen(
  field: HTMLInputElement,
  buttons: readonly string[],
  take: (files: readonly File[]) => void,
): void {
  for (const id of buttons) {
    byId(id, HTMLButtonElement).addEventListener('click', () => {
      field.click()
    })
  }
  field.addEventListener('change', () => {
    const files = [...(field.files ?? [])]
    // So that choosing the same files again is a change, too.
    field.value = ''
    if (files.length > 0) take(files)
  })
}
