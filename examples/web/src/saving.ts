import { byId, download } from './dom.js'
import type { Engine } from './engine.js'
import type { ImagePanel } from './image-panel.js'

/** Lets the buttons that save do so. @param onClick runs an action at a click and shows its failure */
export function listenToSaving(
  engine: Engine,
  images: ImagePanel,
  onClick: (id: string, action: () => Promise<void>) => void,
): void {
  for (const [id, call] of [
    ['save-segmentation', 'saveSegmentation'],
    ['save-report', 'saveReport'],
  ] as const) {
    onClick(id, async () => {
      const { name, bytes } = await engine.call(call, images.scan)
      download(name, bytes)
    })
  }
  onClick('save-weights', async () => {
    const { name, bytes } = await engine.call('saveWeights')
    download(name, bytes)
  })
  onClick('save-picture', () => images.savePicture())
  onClick('save-scene', () => images.saveScene())
}

/** Whether there are weights, and so results to save. */
export function enableSaving(enabled: boolean): void {
  for (const id of ['save-segmentation', 'save-report', 'save-weights'])
    byId(id, HTMLButtonElement).disabled = !enabled
}
