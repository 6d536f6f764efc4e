/** The element with an id. @throws Error if index.html has none of this kind */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id)
  if (!(element instanceof kind)) throw new Error(`index.html has no ${kind.name} of id ${id}`)
  return element
}

/** Shows a line in an element; hides the element if the line is empty. */
export function say(element: HTMLElement, text: string): void {
  element.textContent = text
  element.hidden = text === ''
}

/** Offers a file as a download. */
export function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([bytes]))
  link.download = name
  link.click()
  // The download may read the URL later.
  setTimeout(() => {
    URL.revokeObjectURL(link.href)
  }, 60_000)
}

/** What to tell the visitor of a failure. */
export function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
