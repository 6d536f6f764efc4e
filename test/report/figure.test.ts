import { describe, expect, it } from 'vitest'
import { classColour } from '../../src/report/colours.js'
import { renderFigure, type Panel } from '../../src/report/figure.js'
import type { Picture } from '../../src/report/png.js'

const shape = [4, 4, 4] as const

function colourAt({ width, data }: Picture, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)]
}

/** Centre of the panel in that row and column, given the sizes that the first test pins down. */
function centre(picture: Picture, row: number, column: number): number[] {
  return colourAt(picture, 8 + column * 48 + 20, 32 + row * 48 + 20)
}

describe('renderFigure', () => {
  const scan = new Float32Array(64).fill(0.4).fill(0.8, 0, 32)
  const labels = new Uint8Array(64).fill(3)
  const half = new Float32Array(4 * 64).fill(0.5, 64, 3 * 64)
  const panels: Panel[] = [
    { kind: 'intensity', title: 'Scan', values: scan, window: [0, 0.8] },
    { kind: 'labels', title: 'Truth', values: labels },
    { kind: 'probabilities', title: 'Prior', values: half },
  ]
  const picture = renderFigure(panels, { shape, panelSize: 40 })

  it('has a column for each panel and a row for each plane', () => {
    expect([picture.width, picture.height]).toEqual([8 + 3 * 48, 32 + 3 * 48])
    expect(picture.data.length).toBe(picture.width * picture.height * 4)
  })

  it('paints intensities grey, labels in their colour, probabilities blended', () => {
    const blend = classColour(1).map((channel, i) => Math.round((channel + classColour(2)[i]!) / 2))
    for (const row of [0, 1, 2]) {
      expect(centre(picture, row, 1)).toEqual([...classColour(3)])
      centre(picture, row, 2).forEach((channel, i) => {
        expect(Math.abs(channel - blend[i]!)).toBeLessThanOrEqual(1)
      })
    }
    expect(centre(picture, 0, 0)).toEqual([255, 255, 255]) // sagittal, in the bright half
    const [left, right] = [8 + 5, 8 + 35].map((x) => colourAt(picture, x, 32 + 2 * 48 + 20)[0])
    expect([left, right]).toEqual([255, 128]) // axial: the dark half lies to the right
  })

  it('writes a title above each column', () => {
    const inked = [0, 1, 2].map((column) => {
      let count = 0
      for (let y = 0; y < 32; y++) {
        for (let x = column * 48; x < (column + 1) * 48; x++) if (colourAt(picture, x, y)[0] === 235) count++
      }
      return count
    })
    inked.forEach((count) => {
      expect(count).toBeGreaterThan(40)
    })
  })

  it('adds a legend with the colour of each class but the background', () => {
    const withLegend = renderFigure(panels, {
      shape,
      panelSize: 40,
      classNames: ['bg', 'one', 'two', 'three'],
    })
    expect(withLegend.height).toBeGreaterThan(picture.height)
    const found = new Set<string>()
    for (let y = picture.height; y < withLegend.height; y++) {
      for (let x = 0; x < withLegend.width; x++) found.add(colourAt(withLegend, x, y).join())
    }
    for (const c of [1, 2, 3]) expect(found).toContain(classColour(c).join())
  })

  it('shows slices at their physical proportions', () => {
    const tall = renderFigure([panels[0]!], { shape, spacing: [1, 1, 2], panelSize: 40 })
    expect(colourAt(tall, 8 + 20, 32 + 2)[0]).toBeGreaterThan(0) // sagittal: 20 wide, 40 high
    expect(colourAt(tall, 8 + 5, 32 + 20)[0]).toBe(0)
  })

  it('is as bright as the scan needs by default, all scans alike', () => {
    const dim = scan.map((value) => value / 10)
    const [first, second] = [
      { kind: 'intensity', title: 'Scan', values: dim },
      { kind: 'intensity', title: 'Copy', values: dim.map((value) => value / 2) },
    ] as const
    const bright = renderFigure([first, second], { shape, panelSize: 40 })
    // Sagittal through the middle, which is the dark half.
    expect(centre(bright, 0, 0)).toEqual([128, 128, 128])
    expect(centre(bright, 0, 1)).toEqual([64, 64, 64])
    const empty = renderFigure([{ ...first, values: new Float32Array(64) }], { shape, panelSize: 40 })
    expect(centre(empty, 0, 0)).toEqual([0, 0, 0])
  })

  it('refuses a panel of another size', () => {
    const wrong: Panel = { kind: 'labels', title: 'Truth', values: new Uint8Array(63) }
    expect(() => renderFigure([wrong], { shape })).toThrow('Panel "Truth" has 63 values')
  })
})
