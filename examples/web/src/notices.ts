import { byId } from './dom.js'

/** Says that a segmentation is under way. @param text undefined when it is there */
export function tellSegmenting(text: string | undefined): void {
  byId('segmenting', HTMLDivElement).hidden = text === undefined
  byId('segmenting-text', HTMLParagraphElement).textContent = text ?? ''
}

export function tellNotSaved(reason: string): void {
  byId('keeping', HTMLParagraphElement).textContent =
    `This run cannot be saved for a later visit: ${reason}. Save the weights before you close the tab.`
}

/** @param saved whether there is a run to go on with */
export function tellLost(reason: string, saved: boolean): void {
  byId('lost-reason', HTMLParagraphElement).textContent = `The graphics device was lost: ${reason}`
  byId('lost-restart', HTMLButtonElement).textContent = saved
    ? 'Resume from the last saved state'
    : 'Reload the page'
  byId('lost', HTMLDivElement).hidden = false
}
