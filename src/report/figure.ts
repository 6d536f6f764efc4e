import { Canvas, textWidth, type Raster } from './canvas.js'
import { glyphHeight } from './bitmap-font.js'
import { classColour, type Colour } from './colours.js'
import type { Picture } from './png.js'
import { orthogonalSlices, type Slice } from './slices.js'

type Window = readonly [black: number, white: number]

/** One column of a figure: a volume [D, H, W], or [K, D, H, W] for probabilities. */
export type Panel =
  /** Grey, from black at `window[0]` to white at `window[1]`. Default: a window that suits the first such panel. */
  | {
      readonly kind: 'intensity'
      readonly title: string
      readonly values: Float32Array
      readonly window?: Window
    }
  /** The colour of each class. */
  | { readonly kind: 'labels'; readonly title: string; readonly values: Uint8Array }
  /** The colours of the classes, blended by probability. */
  | { readonly kind: 'probabilities'; readonly title: string; readonly values: Float32Array }

interface FigureOptions {
  /** D, H, W in voxels. */
  readonly shape: readonly [number, number, number]
  /** Millimetres per voxel along D, H, W. Default 1, 1, 1. */
  readonly spacing?: readonly [number, number, number]
  /** Directions of D, H and W in the body. Default RAS. */
  readonly orientation?: string
  /** Names of the classes from 0; drawn as a legend below. */
  readonly classNames?: readonly string[]
  /** Side of a panel in pixels. Default 200. */
  readonly panelSize?: number
}

const ink: Colour = [235, 235, 235]
const faint: Colour = [150, 150, 150]
const textScale = 2
const gap = 8
const titleHeight = glyphHeight * textScale + 2 * gap

/**
 * A picture of a subject: a row for each orthogonal slice, a column for each panel, titles above, a legend below. The
 * slices are those that show most of the last label panel (the truth, if there is one), or the middle slices if there
 * is no such panel.
 *
 * @throws RangeError if a panel's size does not match the shape
 */
export function renderFigure(panels: readonly Panel[], options: FigureOptions): Picture {
  const { shape, spacing = [1, 1, 1], orientation = 'RAS', classNames = [], panelSize = 200 } = options
  const voxels = shape[0] * shape[1] * shape[2]
  for (const { title, kind, values } of panels) {
    if (kind === 'probabilities' ? values.length % voxels !== 0 : values.length !== voxels) {
      throw new RangeError(
        `Panel "${title}" has ${values.length} values, but ${shape.join('x')} voxels are expected.`,
      )
    }
  }
  const firstScan = panels.find((panel) => panel.kind === 'intensity')
  const window = firstScan && usualWindow(firstScan.values)
  const labelPanel = panels.findLast((panel) => panel.kind === 'labels')
  const slices = orthogonalSlices({ shape, spacing, orientation }, labelPanel?.values)
  const extent = Math.max(...shape.map((n, axis) => n * spacing[axis]!))
  const step = panelSize + gap
  const width = gap + panels.length * step
  const legend = layOutLegend(classNames, width)
  const canvas = new Canvas(width, titleHeight + slices.length * step + legend.height)

  panels.forEach((panel, column) => {
    const left = gap + column * step
    const title = fitText(panel.title, panelSize)
    canvas.text(left + Math.floor((panelSize - textWidth(title, textScale)) / 2), gap, textScale, title, ink)
    slices.forEach((slice, row) => {
      // All slices share one scale, so that a structure has the same size in every view.
      const [w, h] = [slice.width * slice.pixelSize[0], slice.height * slice.pixelSize[1]].map((length) =>
        Math.max(1, Math.round((length / extent) * panelSize)),
      ) as [number, number]
      const x = left + Math.floor((panelSize - w) / 2)
      const y = titleHeight + row * step + Math.floor((panelSize - h) / 2)
      canvas.raster(x, y, w, h, paint(panel, slice, voxels, window), panel.kind !== 'labels')
      if (column === 0) canvas.text(left, titleHeight + row * step, 1, slice.name, faint)
    })
  })
  const legendTop = titleHeight + slices.length * step
  for (const { name, colour, x, y } of legend.entries) {
    canvas.fill(x, legendTop + y, swatch, swatch, colour)
    canvas.text(x + swatch + gap / 2, legendTop + y, textScale, name, ink)
  }
  return canvas
}

/**
 * From 0 to a brightness that only one voxel in 200 of the head exceeds, so that a few bright voxels do not dim the
 * rest.
 */
function usualWindow(values: Float32Array): Window {
  const sampling = Math.ceil(values.length / 100_000)
  const head = values.filter((value, i) => value > 0 && i % sampling === 0).sort()
  return [0, head[Math.floor(head.length * 0.995)] ?? 1]
}

function paint(
  panel: Panel,
  { width, height, offsets }: Slice,
  voxels: number,
  usual: Window = [0, 1],
): Raster {
  const rgb = new Float32Array(offsets.length * 3)
  offsets.forEach((offset, i) => {
    switch (panel.kind) {
      case 'intensity': {
        const [low, high] = panel.window ?? usual
        rgb.fill(
          255 * Math.min(Math.max((panel.values[offset]! - low) / (high - low), 0), 1),
          i * 3,
          i * 3 + 3,
        )
        break
      }
      case 'labels':
        rgb.set(classColour(panel.values[offset]!), i * 3)
        break
      case 'probabilities':
        for (let c = 0, at = offset; at < panel.values.length; c++, at += voxels) {
          const colour = classColour(c)
          for (let channel = 0; channel < 3; channel++)
            rgb[i * 3 + channel]! += panel.values[at]! * colour[channel]!
        }
    }
  })
  return { width, height, rgb }
}

/** `text`, cut to `width` pixels. */
function fitText(text: string, width: number): string {
  let fitted = text
  while (fitted !== '' && textWidth(fitted, textScale) > width) fitted = fitted.slice(0, -1)
  return fitted
}

const swatch = 7 * textScale

interface LegendEntry {
  readonly name: string
  readonly colour: Colour
  readonly x: number
  readonly y: number
}

/** Places the legend's entries (none for the background) from left to right, in as many lines as they need. */
function layOutLegend(names: readonly string[], width: number): { entries: LegendEntry[]; height: number } {
  const line = swatch + gap
  let [x, y] = [gap, 0]
  const entries = names.slice(1).map((name, index) => {
    const length = swatch + gap / 2 + textWidth(name, textScale) + 2 * gap
    if (x > gap && x + length > width) [x, y] = [gap, y + line]
    const entry = { name, colour: classColour(index + 1), x, y }
    x += length
    return entry
  })
  return { entries, height: entries.length === 0 ? 0 : y + line + gap }
}
