import { NVImage, Niivue, SHOW_RENDER, SLICE_TYPE } from '@niivue/niivue'
import type { ClassSummary, ImageFile, Overlay } from './protocol.js'

/** Axes of the viewer: 0 left to right, 1 back to front, 2 bottom to top. */
export type Axis = 0 | 1 | 2

const axes = [0, 1, 2] as const

/** The position of the crosshair, and the values there. */
export interface Location {
  /** World coordinates by the scan's affine. */
  readonly millimetres: readonly number[]
  /** The scan's value, then the overlay's. */
  readonly values: readonly number[]
}

export type ViewName = 'planes' | 'axial' | 'coronal' | 'sagittal' | 'render'

/** The extent of a scan along an axis, in millimetres of the world: the centres of the first and the last voxel. */
export interface Extent {
  readonly first: number
  readonly last: number
  /** Size of a voxel. */
  readonly step: number
}

/** A range of intensities: what is shown as black, as white. */
export interface Contrast {
  readonly darkest: number
  readonly brightest: number
}

/** How an overlay is shown. */
export interface OverlayLook {
  readonly opacity: number
  /** Lower probabilities are transparent. */
  readonly threshold: number
}

/** A scan and an overlay in planes or in 3-D. */
export class Viewer {
  private constructor(readonly niivue: Niivue) {}

  /** @throws Error if the browser has no WebGL 2 */
  static async create(canvas: HTMLCanvasElement, onLocation: (location: Location) => void): Promise<Viewer> {
    const niivue = new Niivue({
      sliceType: SLICE_TYPE.MULTIPLANAR,
      multiplanarShowRender: SHOW_RENDER.NEVER,
      dragAndDropEnabled: false,
      scrollRequiresFocus: true,
      isOrientationTextVisible: true,
      crosshairColor: [1, 1, 1, 0.7],
      crosshairWidth: 0.5,
      crosshairWidthUnit: 'percent',
      tileMargin: 6,
      fontColor: [0.75, 0.8, 0.84, 1],
      loadingText: '',
      logLevel: 'error',
    })
    niivue.onLocationChange = (location) => {
      const { mm, values } = location as NiivueLocation
      onLocation({ millimetres: [...mm].slice(0, 3), values: values.map(({ value }) => value) })
    }
    niivue.addColormap(probabilityColours.name, probabilityColours.map)
    await niivue.attachToCanvas(canvas)
    return new Viewer(niivue)
  }

  /** @param stay at the same place of the world, if there is an image already */
  async showScan(scan: ImageFile, stay = false): Promise<void> {
    const image = await open(scan, { colormap: 'gray' })
    const place = stay && this.niivue.volumes.length > 0 ? this.place : undefined
    for (const old of [...this.niivue.volumes].reverse()) this.niivue.removeVolume(old)
    this.niivue.addVolume(image)
    if (place) {
      // Along the axes of this image, which may be turned against those of the one before.
      const at = this.niivue.mm2frac(place, 0, true)
      for (const axis of axes) {
        const { first, last, step } = this.extent(axis)
        this.moveTo(axis, first - step / 2 + at[axis] * (last - first + step))
      }
      return
    }
    this.centre()
    // Beside the midline, where there is more to see.
    const { first, last } = this.extent(0)
    this.moveTo(0, first + 0.58 * (last - first))
  }

  /** Replaces the overlay; undefined for none. Then `announce` says what is at the crosshair. */
  async showOverlay(
    overlay: Overlay | undefined,
    classes: readonly ClassSummary[],
    look: OverlayLook,
  ): Promise<void> {
    const [scan] = this.niivue.volumes
    const image = overlay && (await overlayImage(overlay, classes, look))
    const [current, old] = this.niivue.volumes
    // Another scan took its place while the overlay was loaded.
    if (current !== scan) return
    if (old) this.niivue.removeVolume(old)
    if (image) this.niivue.addVolume(image)
  }

  /** Reports the location once more. */
  announce(): void {
    if (this.niivue.volumes.length > 0) this.niivue.createOnLocationChange()
  }

  setOpacity(opacity: number): void {
    if (this.niivue.volumes[1]) this.niivue.setOpacity(1, opacity)
  }

  /** Hides lower probabilities of the overlay. */
  setThreshold(threshold: number): void {
    const [, overlay] = this.niivue.volumes
    if (!overlay || overlay.colormapLabel) return
    overlay.cal_min = threshold
    this.niivue.updateGLVolume()
  }

  /** The contrast that the scan is shown with, and the limits of its intensities. */
  get contrast(): Contrast & { readonly low: number; readonly high: number } {
    const { cal_min, cal_max, global_min, global_max } = this.niivue.volumes[0]!
    return { darkest: cal_min!, brightest: cal_max!, low: global_min!, high: global_max! }
  }

  setContrast({ darkest, brightest }: Contrast): void {
    const scan = this.niivue.volumes[0]!
    scan.cal_min = darkest
    scan.cal_max = Math.max(brightest, darkest + 1e-6 * Math.abs(darkest) + 1e-12)
    this.niivue.updateGLVolume()
  }

  /** @param factor 1 for the whole image; about the crosshair otherwise */
  zoom(factor: number): void {
    const [x, y, z] = this.niivue.frac2mm(this.niivue.scene.crosshairPos)
    const share = 1 - 1 / factor
    // NiiVue shifts the image after enlarging it.
    const [cx, cy, cz] = this.niivue.frac2mm([0.5, 0.5, 0.5])
    this.niivue.scene.pan2Dxyzmm = [
      factor === 1 ? 0 : (cx! - x!) * share,
      factor === 1 ? 0 : (cy! - y!) * share,
      factor === 1 ? 0 : (cz! - z!) * share,
      factor,
    ]
    this.niivue.scene.volScaleMultiplier = factor
    this.niivue.drawScene()
  }

  setView(view: ViewName): void {
    this.niivue.setSliceType(sliceTypes[view])
  }

  extent(axis: Axis): Extent {
    const at = (fraction: number): number => {
      const position: [number, number, number] = [0.5, 0.5, 0.5]
      position[axis] = fraction
      return this.niivue.frac2mm(position)[axis]
    }
    const voxels = this.niivue.volumes[0]!.dimsRAS![axis + 1]!
    const step = (at(1) - at(0)) / voxels
    return { first: at(0) + step / 2, last: at(1) - step / 2, step }
  }

  /** Moves to the centre of the nearest voxel. @param position in millimetres of the world along the axis */
  moveTo(axis: Axis, position: number): void {
    const { first, last, step } = this.extent(axis)
    const most = Math.round((last - first) / step)
    const voxel = Math.min(Math.max(Math.round((position - first) / step), 0), most)
    this.niivue.scene.crosshairPos[axis] = (voxel + 0.5) / (most + 1)
    this.niivue.drawScene()
    this.announce()
  }

  /** Moves to the voxel in the middle. */
  centre(): void {
    for (const axis of axes) {
      const { first, last } = this.extent(axis)
      this.moveTo(axis, (first + last) / 2)
    }
  }

  /** Where the crosshair is along an axis, in millimetres. */
  position(axis: Axis): number {
    const { first, last, step } = this.extent(axis)
    return first - step / 2 + this.niivue.scene.crosshairPos[axis] * (last - first + step)
  }

  /** Where the crosshair is in the world, by the scan's affine. */
  private get place(): [number, number, number] {
    const [x, y, z] = this.niivue.frac2mm(this.niivue.scene.crosshairPos, 0, true)
    return [x!, y!, z!]
  }

  /** Turns the 3-D view. */
  turn(azimuth: number, elevation: number): void {
    const { renderAzimuth, renderElevation } = this.niivue.scene
    this.niivue.setRenderAzimuthElevation(renderAzimuth + azimuth, renderElevation + elevation)
  }

  /** What is on the screen, as PNG. */
  picture(): Promise<Blob> {
    const { canvas } = this.niivue
    // The browser clears the canvas after each frame, so draw it now.
    this.niivue.drawScene()
    return new Promise((resolve, reject) => {
      canvas!.toBlob((blob) => {
        if (blob) resolve(blob)
        else reject(new Error('the browser cannot take a picture'))
      })
    })
  }

  /** The scene as a document of NiiVue's, images included. @param name of the file, .nvd */
  async saveScene(name: string): Promise<void> {
    await this.niivue.saveDocument(name, true, { embedPreview: false })
  }
}

const sliceTypes: Readonly<Record<ViewName, SLICE_TYPE>> = {
  planes: SLICE_TYPE.MULTIPLANAR,
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
  render: SLICE_TYPE.RENDER,
}

/** What lies at the threshold or below is transparent. The colour bar in style.css has the same colours. */
const probabilityColours = {
  name: 'probability',
  map: {
    R: [30, 30, 60, 255],
    G: [60, 60, 200, 240],
    B: [200, 200, 160, 60],
    A: [0, 255, 255, 255],
    I: [0, 2, 128, 255],
  },
}

interface NiivueLocation {
  readonly mm: Iterable<number>
  readonly values: readonly { readonly value: number }[]
}

function open(
  { name, bytes }: ImageFile,
  options: { colormap?: string; opacity?: number; cal_min?: number; cal_max?: number },
): Promise<NVImage> {
  return NVImage.loadFromFile({ file: new File([bytes], name), name, ...options })
}

async function overlayImage(
  { image: file, kind }: Overlay,
  classes: readonly ClassSummary[],
  { opacity, threshold }: OverlayLook,
): Promise<NVImage> {
  if (kind === 'probability') {
    const colormap = probabilityColours.name
    return open(file, { colormap, opacity, cal_min: threshold, cal_max: 1 })
  }
  const image = await open(file, { opacity })
  const colours = classes.map(({ colour }) => colour.match(/\d+/g)!.map(Number))
  image.setColormapLabel({
    R: colours.map(([red]) => red!),
    G: colours.map(([, green]) => green!),
    B: colours.map(([, , blue]) => blue!),
    A: classes.map((_, c) => (c === 0 ? 0 : 255)),
    I: classes.map(({ code }) => code),
    labels: classes.map(({ name: className }) => className),
  })
  return image
}
