import { NVImage, Niivue, SHOW_RENDER, SLICE_TYPE } from '@niivue/niivue'
import type { ClassSummary, ImageFile, Overlay } from './protocol.js'

/** The position of the crosshair (fractions 0..1 along left-right, back-front, bottom-top), and the values there. */
export interface Location {
  readonly fractions: readonly [number, number, number]
  /** World coordinates by the scan's affine. */
  readonly millimetres: readonly number[]
  /** The scan's value, then the overlay's. */
  readonly values: readonly number[]
}

/** Three planes through a scan and an overlay. */
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
      isNearestInterpolation: true,
      crosshairColor: [1, 1, 1, 0.8],
      crosshairWidth: 0.6,
      crosshairWidthUnit: 'percent',
      tileMargin: 6,
      fontColor: [0.75, 0.8, 0.84, 1],
      loadingText: '',
      logLevel: 'error',
    })
    niivue.onLocationChange = (location) => {
      const { frac, mm, values } = location as NiivueLocation
      onLocation({
        fractions: [frac[0]!, frac[1]!, frac[2]!],
        millimetres: [...mm].slice(0, 3),
        values: values.map(({ value }) => value),
      })
    }
    niivue.addColormap(probabilityColours.name, probabilityColours.map)
    await niivue.attachToCanvas(canvas)
    return new Viewer(niivue)
  }

  async showScan(scan: ImageFile): Promise<void> {
    const image = await open(scan, { colormap: 'gray' })
    for (const old of [...this.niivue.volumes].reverse()) this.niivue.removeVolume(old)
    this.niivue.addVolume(image)
  }

  /** Replaces the overlay; undefined for none. */
  async showOverlay(
    overlay: Overlay | undefined,
    classes: readonly ClassSummary[],
    opacity: number,
  ): Promise<void> {
    const image = overlay && (await overlayImage(overlay, classes, opacity))
    const [, old] = this.niivue.volumes
    if (old) this.niivue.removeVolume(old)
    if (image) this.niivue.addVolume(image)
    this.niivue.createOnLocationChange()
  }

  setOpacity(opacity: number): void {
    if (this.niivue.volumes[1]) this.niivue.setOpacity(1, opacity)
  }

  /** @param fraction 0..1 along the axis: 0 left-right, 1 back-front, 2 bottom-top */
  moveTo(axis: number, fraction: number): void {
    this.niivue.scene.crosshairPos[axis] = fraction
    this.niivue.drawScene()
    this.niivue.createOnLocationChange()
  }
}

/** Low probabilities are transparent. */
const probabilityColours = {
  name: 'probability',
  map: { R: [200, 255, 255], G: [60, 160, 245], B: [0, 40, 150], A: [0, 170, 255], I: [0, 128, 255] },
}

interface NiivueLocation {
  readonly frac: ArrayLike<number>
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
  opacity: number,
): Promise<NVImage> {
  if (kind === 'probability')
    return open(file, { colormap: probabilityColours.name, opacity, cal_min: 0, cal_max: 1 })
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
