import { byId, lineOf, say } from './dom.js'
import type { Engine } from './engine.js'
import { offerHalfPrecision } from './forms.js'

/** Opens the graphics device and names it. Returns false if there is none to compute on; the page then says what to do. */
export async function openDevice(engine: Engine, settings: HTMLFormElement): Promise<boolean> {
  const badge = byId('adapter', HTMLParagraphElement)
  try {
    const { name, software, storesHalf } = await engine.call('open')
    badge.textContent = `Running on ${name} (${software ? 'software, slow' : 'hardware'})`
    offerHalfPrecision(settings, storesHalf)
    return true
  } catch (error) {
    badge.textContent = 'No graphics device'
    say(byId('help-reason', HTMLParagraphElement), `Reason: ${lineOf(error)}.`)
    byId('help', HTMLDivElement).hidden = false
    return false
  }
}
