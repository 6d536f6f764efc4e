import { byId } from './dom.js'
import type { Axis, Location, Viewer, ViewName } from './viewer.js'

const axes = [0, 1, 2] as const

/** Sliders, contrast, zoom, the kind of view and the keys of the canvas. */
export class ViewControls {
  private readonly sliders = axes.map((axis) => byId(`slice-${axis}`, HTMLInputElement))
  private readonly readouts = axes.map((axis) => byId(`slice-${axis}-mm`, HTMLOutputElement))
  private readonly view = byId('view', HTMLSelectElement)
  private readonly darkest = byId('darkest', HTMLInputElement)
  private readonly brightest = byId('brightest', HTMLInputElement)
  private readonly zoomField = byId('zoom', HTMLInputElement)
  private readonly reset = byId('reset-view', HTMLButtonElement)
  private viewer: Viewer | undefined

  constructor() {
    this.sliders.forEach((slider, axis) => {
      slider.addEventListener('input', () => this.viewer?.moveTo(axis as Axis, slider.valueAsNumber))
    })
    this.view.addEventListener('change', () => this.viewer?.setView(this.view.value as ViewName))
    for (const field of [this.darkest, this.brightest]) {
      field.addEventListener('input', () => {
        this.viewer?.setContrast({
          darkest: this.darkest.valueAsNumber,
          brightest: this.brightest.valueAsNumber,
        })
      })
    }
    this.zoomField.addEventListener('input', () => {
      this.zoom(this.zoomField.valueAsNumber)
    })
    this.reset.addEventListener('click', () => {
      this.restore()
    })
  }

  /** Listens to the keys of a canvas. */
  listen(canvas: HTMLCanvasElement): void {
    // NiiVue listens too, and would move a second time.
    canvas.addEventListener(
      'keydown',
      (event) => {
        if (!this.viewer || event.ctrlKey || event.altKey || event.metaKey || !this.press(event.key)) return
        event.preventDefault()
        event.stopImmediatePropagation()
      },
      { capture: true },
    )
  }

  /** Fits the controls to a scan that was just opened. */
  attach(viewer: Viewer): void {
    this.viewer = viewer
    axes.forEach((axis) => {
      const { first, last, step } = viewer.extent(axis)
      const slider = this.sliders[axis]!
      Object.assign(slider, { min: String(first), max: String(last), step: String(step), disabled: false })
      slider.valueAsNumber = viewer.position(axis)
    })
    const { low, high, darkest, brightest } = viewer.contrast
    for (const field of [this.darkest, this.brightest]) {
      Object.assign(field, { min: String(low), max: String(high), step: String((high - low) / 200) })
    }
    this.darkest.valueAsNumber = darkest
    this.brightest.valueAsNumber = brightest
    for (const field of [this.darkest, this.brightest, this.zoomField, this.view, this.reset])
      field.disabled = false
    viewer.setView(this.view.value as ViewName)
    this.zoom(this.zoomField.valueAsNumber)
  }

  /** Puts the sliders where the crosshair is. */
  show({ millimetres }: Location): void {
    axes.forEach((axis) => {
      const slider = this.sliders[axis]!
      if (this.viewer) slider.valueAsNumber = this.viewer.position(axis)
      const text = `${(millimetres[axis] ?? 0).toFixed(1).replace(/^-(0\.0)$/, '$1')} mm`
      slider.setAttribute('aria-valuetext', text)
      this.readouts[axis]!.value = text
    })
  }

  private zoom(factor: number): void {
    this.zoomField.valueAsNumber = factor
    byId('zoom-value', HTMLOutputElement).value = `${this.zoomField.valueAsNumber}x`
    this.viewer?.zoom(this.zoomField.valueAsNumber)
  }

  private restore(): void {
    const { viewer } = this
    if (!viewer) return
    this.view.value = 'planes'
    viewer.setView('planes')
    viewer.centre()
    this.zoom(1)
  }

  /** Whether the key means something here. */
  private press(key: string): boolean {
    const viewer = this.viewer!
    if (key === '+' || key === '=') this.zoom(this.zoomField.valueAsNumber + 0.5)
    else if (key === '-') this.zoom(this.zoomField.valueAsNumber - 0.5)
    else if (key === 'Home') viewer.centre()
    else if (this.view.value === 'render') {
      const turn = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] }[key]
      if (!turn) return false
      viewer.turn(turn[0]!, turn[1]!)
    } else {
      const [across, upward, through] = planeAxes[this.view.value as keyof typeof planeAxes]
      const steps: Readonly<Record<string, readonly [Axis, number]>> = {
        ArrowLeft: [across, -1],
        ArrowRight: [across, 1],
        ArrowDown: [upward, -1],
        ArrowUp: [upward, 1],
        PageDown: [through, -1],
        PageUp: [through, 1],
      }
      const step = steps[key]
      if (!step) return false
      const [axis, count] = step
      viewer.moveTo(axis, viewer.position(axis) + count * viewer.extent(axis).step)
    }
    return true
  }
}

/** Axes across, upwards and through the plane; of the three planes, those of the axial one. */
const planeAxes = {
  planes: [0, 1, 2],
  axial: [0, 1, 2],
  coronal: [0, 2, 1],
  sagittal: [1, 2, 0],
} as const satisfies Record<string, readonly [Axis, Axis, Axis]>
