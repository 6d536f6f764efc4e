/** Slices with colours over them: which voxel is where, on which side, and in which colour. */
import { describe, expect, it } from 'vitest'
import type { Colour } from '../../src/report/colours.js'
import {
  centreOf,
  croppedToHead,
  renderSlices,
  windowOf,
  type OverlaidVolume,
} from '../../src/report/overlay.js'
import { pngUrl } from '../../src/report/png.js'

const red: Colour = [255, 0, 0]

/** One bright voxel, labelled, at [d, h, w] of a dim volume of 5 x 6 x 7 voxels. */
function spot(at: readonly [number, number, number], orientation: string): OverlaidVolume {
  const shape = [5, 6, 7] as const
  const [scan, labels] = [new Float32Array(210), new Uint8Array(210)]
  const i = (at[0] * 6 + at[1]) * 7 + at[2]
  scan[i] = 10
  labels[i] = 1
  return { grid: { shape, spacing: [1, 1, 1], orientation }, scan, labels, palette: [undefined, red] }
}

const view = { plane: 'axial', scale: 1, window: [0, 10], marked: false } as const

/** Where a picture is coloured. */
function coloured({ data, width }: { data: Uint8Array; width: number }): [x: number, y: number][] {
  const found: [number, number][] = []
  for (let i = 0; i < data.length / 4; i++)
    if (data[4 * i] !== data[4 * i + 1]) found.push([i % width, Math.floor(i / width)])
  return found
}

describe('renderSlices', () => {
  it("puts the patient's right on the right and the front above, whichever way the axes run", () => {
    // Right, front: at the ends of RAS, at the beginnings of LPS.
    for (const [at, orientation] of [
      [[4, 5, 3], 'RAS'],
      [[0, 0, 3], 'LPS'],
    ] as const) {
      const { plain, overlaid } = renderSlices(spot(at, orientation), { ...view, depth: 3 })
      expect([overlaid.width, overlaid.height]).toEqual([5, 6])
      expect(coloured(overlaid)).toEqual([[4, 0]])
      expect(coloured(plain)).toEqual([])
    }
  })

  it('mixes the colour with the scan, and leaves voxels without one as they are', () => {
    const { plain, overlaid } = renderSlices(spot([2, 2, 2], 'RAS'), { ...view, depth: 2 })
    const at = 4 * ((6 - 1 - 2) * 5 + 2)
    expect([...plain.data.subarray(at, at + 3)]).toEqual([255, 255, 255])
    expect([...overlaid.data.subarray(at, at + 3)]).toEqual([255, 115, 115])
    expect(overlaid.data[0]).toBe(plain.data[0])
  })

  it('stretches voxels to their size, and marks the sides', () => {
    const volume = spot([2, 2, 2], 'RAS')
    const wide = { ...volume, grid: { ...volume.grid, spacing: [2, 1, 1] as const } }
    expect(renderSlices(wide, { ...view, depth: 2, scale: 10 }).plain).toMatchObject({
      width: 100,
      height: 60,
    })
    const { plain } = renderSlices(wide, { ...view, depth: 2, scale: 10, marked: true })
    expect(plain.width).toBeGreaterThan(110)
    expect(
      plain.data.subarray(0, 4 * plain.width * 60).some((value, i) => i % 4 === 0 && value === 235),
    ).toBe(true)
  })
})

describe('the part that is shown', () => {
  it('is what holds anything, with its place in the whole', () => {
    const { volume, start } = croppedToHead(spot([1, 4, 5], 'RAS'))
    expect(start).toEqual([1, 4, 5])
    expect(volume.grid.shape).toEqual([1, 1, 1])
    expect([...volume.scan, ...volume.labels]).toEqual([10, 1])
  })

  it('is everything if there is nothing', () => {
    const empty = { ...spot([0, 0, 0], 'RAS'), scan: new Float32Array(210), labels: new Uint8Array(210) }
    expect(croppedToHead(empty)).toEqual({ volume: empty, start: [0, 0, 0] })
    expect(centreOf(empty)).toEqual([2, 3, 3])
  })

  it('is centred on what has a colour', () => {
    expect(centreOf(spot([1, 4, 5], 'RAS'))).toEqual([1, 4, 5])
  })

  it('has its darkest voxels black, whatever the unit, and few hot voxels do not dim it', () => {
    const scan = Float32Array.from({ length: 1000 }, (_, i) => (i < 500 ? -3 : i === 999 ? 1e6 : i - 500))
    const [black, white] = windowOf(scan)
    expect(black).toBe(-3)
    expect(white).toBeGreaterThan(450)
    expect(white).toBeLessThan(500)
  })
})

it('a grey picture takes less room than one with colours', () => {
  const { plain, overlaid } = renderSlices(spot([2, 2, 2], 'RAS'), { ...view, depth: 2 })
  expect(pngUrl(plain)).toMatch(/^data:image\/png;base64,iVBORw0KGgo/)
  // Colour type of the header: 0 is grey, 2 is red, green and blue.
  const typeOf = (url: string): number => Buffer.from(url.split(',')[1]!, 'base64')[25]!
  expect([typeOf(pngUrl(plain)), typeOf(pngUrl(overlaid))]).toEqual([0, 2])
})
