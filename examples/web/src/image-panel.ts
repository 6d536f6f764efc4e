import { byId, download } from './dom.js'
import type { Engine } from './engine.js'
import { showLegend } from './legend.js'
import type { DataSummary, Layer, Overlay } from './protocol.js'
import { ViewControls } from './view-controls.js'
import type { Location, OverlayLook, Viewer } from './viewer.js'

/** The images: the scan, an overlay, and the classes with their scores. */
export class ImagePanel {
  private canvas = byId('canvas', HTMLCanvasElement)
  private readonly scanField = byId('scan', HTMLSelectElement)
  private readonly contrastField = byId('contrast', HTMLSelectElement)
  private readonly classField = byId('class', HTMLSelectElement)
  private readonly opacity = byId('opacity', HTMLInputElement)
  private readonly threshold = byId('threshold', HTMLInputElement)
  private readonly layers = byId('layers', HTMLFieldSetElement)
  private readonly location = byId('location', HTMLParagraphElement)
  private readonly saving = ['save-picture', 'save-scene'].map((id) => byId(id, HTMLButtonElement))
  private readonly controls = new ViewControls()
  private data: DataSummary | undefined
  private viewer: Viewer | undefined
  private shown: Layer = 'none'
  private segmented = false
  /** Scans that were asked for: only the last of them counts. They are loaded one after the other. */
  private asked = 0
  private loading: Promise<void> = Promise.resolve()
  /** Whether a redraw is running; whether another one must follow. */
  private drawing = false
  private again = false

  constructor(
    private readonly engine: Engine,
    private readonly onError: (error: unknown) => void,
  ) {
    this.scanField.addEventListener('change', () => {
      this.fillContrasts()
      void this.showScan()
    })
    this.contrastField.addEventListener('change', () => void this.showScan(true))
    this.classField.addEventListener('change', () => void this.refresh())
    this.layers.addEventListener('change', () => void this.refresh())
    this.opacity.addEventListener('input', () => this.viewer?.setOpacity(this.opacity.valueAsNumber))
    this.threshold.addEventListener('input', () => {
      this.viewer?.setThreshold(this.threshold.valueAsNumber)
      this.showBar()
    })
    this.controls.listen(this.canvas)
  }

  /** Index of the scan on show. */
  get scan(): number {
    return Number(this.scanField.value)
  }

  async showData(data: DataSummary): Promise<void> {
    this.data = data
    this.segmented = false
    fill(
      this.scanField,
      data.scans.map(({ name }) => name),
    )
    this.fillContrasts()
    this.nameClasses(data)
    this.classField.selectedIndex = Math.min(4, data.classes.length - 1)
    this.enable('prior', data.classes.length > 0)
    this.enable('reference', data.scored)
    this.enable('posterior', false)
    this.enable('segmentation', false)
    this.choose('none')
    byId('empty', HTMLDivElement).hidden = true
    await this.showScan()
  }

  /** Takes the same data with other names of its classes. */
  nameClasses(data: DataSummary): void {
    this.data = data
    const chosen = this.classField.selectedIndex
    fill(
      this.classField,
      data.classes.map(({ name }) => name),
    )
    this.classField.selectedIndex = chosen
    showLegend(data.classes, undefined)
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
    else showLegend(this.data!.classes, undefined)
  }

  /** Tries again to show the layer that is chosen, if it could not be shown. */
  async retry(): Promise<void> {
    if (this.layer !== this.shown) await this.refresh()
  }

  async savePicture(): Promise<void> {
    const picture = await this.viewer!.picture()
    download(`${this.name}.png`, new Uint8Array(await picture.arrayBuffer()))
  }

  async saveScene(): Promise<void> {
    await this.viewer!.saveScene(`${this.name}.nvd`)
  }

  private get name(): string {
    const scan = this.data!.scans[this.scan]!.name
    return this.shown === 'none' ? scan : `${scan}_${this.shown}`
  }

  private get layer(): Layer {
    return this.layers.querySelector<HTMLInputElement>(':checked')!.value as Layer
  }

  private get look(): OverlayLook {
    return { opacity: this.opacity.valueAsNumber, threshold: this.threshold.valueAsNumber }
  }

  /** Offers the contrasts of the scan, if there are several. */
  private fillContrasts(): void {
    const { contrasts } = this.data!.scans[this.scan]!
    // Numbered as the channels are: long names differ at their ends, which may be cut off.
    fill(
      this.contrastField,
      contrasts.map((name, c) => `${c + 1}: ${name}`),
    )
    const several = contrasts.length > 1
    byId('contrast-label', HTMLLabelElement).hidden = !several
    // There is little room, and only one choice.
    byId('scan-label', HTMLLabelElement).hidden = several && this.data!.scans.length === 1
  }

  /** @param stay where the crosshair is */
  private async showScan(stay = false): Promise<void> {
    const asked = ++this.asked
    // A small scan would be loaded before a large one that was chosen earlier, which then took its place.
    this.loading = this.loading.then(() => (asked === this.asked ? this.loadScan(stay) : undefined))
    await this.loading
    await this.refresh()
  }

  private async loadScan(stay: boolean): Promise<void> {
    try {
      this.viewer ??= await this.openViewer()
      this.shown = 'none'
      // The scores were those of another scan.
      if (!stay) showLegend(this.data!.classes, undefined)
      const image = await this.engine.call('scan', this.scan, this.contrastField.selectedIndex)
      await this.viewer.showScan(image, stay)
      this.controls.attach(this.viewer)
      for (const button of this.saving) button.disabled = false
    } catch (error) {
      this.onError(error)
    }
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
    this.controls.listen(fresh)
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
    const { layer, asked } = this
    const overlay = await this.engine.call('overlay', this.scan, layer, this.classField.selectedIndex)
    // The scan that is on show now gets its own overlay as soon as it is loaded.
    if (asked !== this.asked) return
    await this.viewer.showOverlay(overlay, this.data.classes, this.look)
    if (asked !== this.asked) return
    // Before the location is told, which names the layer.
    this.shown = overlay ? layer : 'none'
    this.viewer.announce()
    this.showLook(overlay)
    if (overlay?.kind === 'labels') showLegend(this.data.classes, overlay.dice)
    this.canvas.setAttribute('aria-label', this.describe())
  }

  /** Enables what the overlay on show has: a class, a threshold, a colour bar. */
  private showLook(overlay: Overlay | undefined): void {
    const isProbability = overlay?.kind === 'probability'
    this.classField.disabled = !isProbability
    this.threshold.disabled = !isProbability
    this.opacity.disabled = !overlay
    byId('bar-colours', HTMLDivElement).hidden = !isProbability
    if (isProbability) this.showBar()
  }

  private showBar(): void {
    const threshold = this.threshold.valueAsNumber
    byId('threshold-value', HTMLOutputElement).value = String(threshold)
    byId('bar-title', HTMLSpanElement).textContent = `${this.shown}: ${this.className}`
    byId('bar-low', HTMLSpanElement).textContent = String(threshold)
  }

  private get className(): string {
    return this.data!.classes[this.classField.selectedIndex]?.name ?? ''
  }

  private describe(): string {
    const { name, contrasts } = this.data!.scans[this.scan]!
    const shown = contrasts.length > 1 ? `, contrast ${contrasts[this.contrastField.selectedIndex]!}` : ''
    const scan = `Scan ${name}${shown}`
    if (this.shown === 'none') return scan
    return `${scan}, with its ${this.shown}${this.classField.disabled ? '' : ` of ${this.className}`}`
  }

  private showLocation(location: Location): void {
    this.controls.show(location)
    const { millimetres, values } = location
    const [intensity, value] = values
    const parts = [
      `At ${millimetres.map((position) => position.toFixed(1)).join(', ')} mm`,
      `scan ${intensity === undefined ? 'none' : Number(intensity.toPrecision(3))}`,
    ]
    if (value !== undefined && this.shown !== 'none') parts.push(`${this.shown} ${this.meaning(value)}`)
    this.location.textContent = parts.join('; ')
  }

  private meaning(value: number): string {
    if (this.shown === 'prior' || this.shown === 'posterior') return `${this.className} ${value.toFixed(2)}`
    return this.data!.classes.find(({ code }) => code === value)?.name ?? String(value)
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
