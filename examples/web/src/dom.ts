/** The element of an id. @throws Error if index.html has none of that kind */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id)
  if (!(element instanceof kind)) throw new Error(`index.html has no ${kind.name} of id ${id}`)
  return element
}

/** Shows one line in a paragraph that is hidden if there is none. */
export function say(paragraph: HTMLElement, text: string): void {
  paragraph.textContent = text
  paragraph.hidden = text === ''
}

/** Hands a file to the browser's own download. */
export function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([bytes]))
  link.download = name
  link.click()
  // The download reads the address in its own time.
  setTimeout(() => {
    URL.revokeObjectURL(link.href)
  }, 60_000)
}
