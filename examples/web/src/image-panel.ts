import { byId } from './dom.js'
import type { Engine } from './engine.js'
import type { ClassSummary, DataSummary, Layer } from './protocol.js'
import type { Location, Viewer } from './viewer.js'

/** The images: the scan, an overlay, and the classes with their scores. */
export class ImagePanel {
  private canvas = byId('canvas', HTMLCanvasElement)
  private readonly scanField = byId('scan', HTMLSelectElement)
  private readonly classField = byId('class', HTMLSelectElement)
  private readonly opacity = byId('opacity', HTMLInputElement)
  private readonly layers = byId('layers', HTMLFieldSetElement)
  private readonly legend = byId('legend', HTMLTableElement).tBodies[0]!
  private readonly location = byId('location', HTMLParagraphElement)
  private readonly slices = [0, 1, 2].map((axis) => byId(`slice-${axis}`, HTMLInputElement))
  private data: DataSummary | undefined
  private viewer: Viewer | undefined
  private shown: Layer = 'none'
  private segmented = false
  /** Whether a redraw is running; whether another one must follow. */
  private drawing = false
  private again = false

  constructor(
    private readonly engine: Engine,
    private readonly onError: (error: unknown) => void,
  ) {
    this.scanField.addEventListener('change', () => void this.showScan())
    this.classField.addEventListener('change', () => void this.refresh())
    this.layers.addEventListener('change', () => void this.refresh())
    this.opacity.addEventListener('input', () => this.viewer?.setOpacity(this.opacity.valueAsNumber))
    this.slices.forEach((slider, axis) => {
      slider.addEventListener('input', () => this.viewer?.moveTo(axis, slider.valueAsNumber))
    })
  }

  /** Index of the scan on show. */
  get scan(): number {
    return Number(this.scanField.value)
  }

  async showData(data: DataSummary): Promise<void> {
    this.data = data
    this.segmented = false
    fill(this.scanField, data.scans)
    fill(
      this.classField,
      data.classes.map(({ name }) => name),
    )
    this.classField.selectedIndex = Math.min(1, data.classes.length - 1)
    this.enable('reference', data.scored)
    this.enable('posterior', false)
    this.enable('segmentation', false)
    this.choose('prior')
    this.showLegend(undefined)
    byId('empty', HTMLParagraphElement).hidden = true
    await this.showScan()
  }

  /** Redraws the segmentation after the weights have changed. */
  async weightsChanged(): Promise<void> {
    if (!this.segmented) {
      this.segmented = true
      this.enable('posterior', true)
      this.enable('segmentation', true)
      this.choose('segmentation')
    }
    if (this.layer === 'posterior' || this.layer === 'segmentation') await this.refresh()
  }

  private get layer(): Layer {
    return this.layers.querySelector<HTMLInputElement>(':checked')!.value as Layer
  }

  private async showScan(): Promise<void> {
    try {
      this.viewer ??= await this.openViewer()
      await this.viewer.showScan(await this.engine.call('scan', this.scan))
      for (const slider of this.slices) slider.disabled = false
    } catch (error) {
      this.onError(error)
    }
    await this.refresh()
  }

  /** NiiVue is large, so it is loaded only when there is something to show. */
  private async openViewer(): Promise<Viewer> {
    const { Viewer } = await import('./viewer.js')
    this.canvas.addEventListener('webglcontextlost', () => {
      this.replaceCanvas()
    })
    const viewer = await Viewer.create(this.canvas, (location) => {
      this.showLocation(location)
    })
    // For the browser's console, and for tests.
    Object.assign(window, { viewer })
    return viewer
  }

  /** Replaces a canvas that has lost its context, for example after a driver reset: it would stay blank. */
  private replaceCanvas(): void {
    const fresh = this.canvas.cloneNode() as HTMLCanvasElement
    this.canvas.replaceWith(fresh)
    this.canvas = fresh
    this.viewer = undefined
    setTimeout(() => void this.showScan(), 1000)
  }

  private async refresh(): Promise<void> {
    if (this.drawing) {
      this.again = true
      return
    }
    this.drawing = true
    try {
      await this.draw()
    } catch (error) {
      this.onError(error)
    } finally {
      this.drawing = false
    }
    if (!this.again) return
    this.again = false
    await this.refresh()
  }

  private async draw(): Promise<void> {
    if (!this.viewer || !this.data) return
    const { layer } = this
    this.classField.disabled = layer !== 'prior' && layer !== 'posterior'
    const overlay = await this.engine.call('overlay', this.scan, layer, this.classField.selectedIndex)
    await this.viewer.showOverlay(overlay, this.data.classes, this.opacity.valueAsNumber)
    this.shown = overlay ? layer : 'none'
    if (overlay?.kind === 'labels') this.showLegend(overlay.dice)
    this.canvas.setAttribute('aria-label', this.describe())
  }

  private describe(): string {
    const scan = `Scan ${this.data!.scans[this.scan]!} in three planes`
    if (this.shown === 'none') return scan
    const what = this.classField.disabled
      ? ''
      : ` of ${this.data!.classes[this.classField.selectedIndex]!.name}`
    return `${scan}, with its ${this.shown}${what}`
  }

  private showLocation({ fractions, millimetres, values }: Location): void {
    this.slices.forEach((slider, axis) => {
      slider.valueAsNumber = fractions[axis]!
    })
    const [intensity, value] = values
    const parts = [
      `At ${millimetres.map((position) => position.toFixed(1)).join(', ')} mm`,
      `scan ${intensity?.toFixed(2) ?? 'none'}`,
    ]
    if (value !== undefined && this.shown !== 'none') parts.push(`${this.shown} ${this.meaning(value)}`)
    this.location.textContent = parts.join('; ')
  }

  private meaning(value: number): string {
    if (this.shown === 'prior' || this.shown === 'posterior') return value.toFixed(2)
    return this.data!.classes.find(({ code }) => code === value)?.name ?? String(value)
  }

  private showLegend(dice: readonly number[] | undefined): void {
    this.legend.replaceChildren(...this.data!.classes.map((entry, c) => legendRow(entry, dice?.[c])))
  }

  private enable(layer: Layer, enabled: boolean): void {
    this.radio(layer).disabled = !enabled
  }

  private choose(layer: Layer): void {
    this.radio(layer).checked = true
  }

  private radio(layer: Layer): HTMLInputElement {
    return this.layers.querySelector<HTMLInputElement>(`[value=${layer}]`)!
  }
}

function fill(field: HTMLSelectElement, names: readonly string[]): void {
  field.replaceChildren(...names.map((name, i) => new Option(name, String(i))))
  field.disabled = false
}

function legendRow({ name, code, colour }: ClassSummary, dice: number | undefined): HTMLTableRowElement {
  const row = document.createElement('tr')
  const heading = document.createElement('th')
  heading.scope = 'row'
  const swatch = document.createElement('span')
  swatch.className = 'swatch'
  swatch.style.background = colour
  heading.append(swatch, name)
  row.append(heading)
  for (const content of [String(code), dice === undefined ? '' : dice.toFixed(3)]) {
    const cell = row.insertCell()
    cell.className = 'number'
    cell.textContent = content
  }
  return row
}
