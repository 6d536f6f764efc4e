import { describe, expect, it } from 'vitest'
import { Canvas, textWidth, type Raster } from '../../src/report/canvas.js'

const white = [255, 255, 255] as const

/** The red channel as rows of text: `#` for 255, `.` for 0. */
function show(canvas: Canvas): string[] {
  return Array.from({ length: canvas.height }, (_, y) =>
    Array.from({ length: canvas.width }, (_, x) => {
      const red = canvas.data[(y * canvas.width + x) * 4]!
      return red === 255 ? '#' : red === 0 ? '.' : '?'
    }).join(''),
  )
}

function red(canvas: Canvas): number[] {
  return Array.from({ length: canvas.width * canvas.height }, (_, i) => canvas.data[i * 4]!)
}

describe('Canvas', () => {
  it('starts black and opaque', () => {
    expect([...new Canvas(1, 2).data]).toEqual([0, 0, 0, 255, 0, 0, 0, 255])
  })

  it('writes letters', () => {
    const canvas = new Canvas(textWidth('Fi7', 1), 8)
    canvas.text(0, 0, 1, 'Fi7', white)
    expect(show(canvas)).toEqual([
      '#####...#...#####',
      '#...............#',
      '#......##.......#',
      '####....#......#.',
      '#.......#.....#..',
      '#.......#....#...',
      '#......###..#....',
      '.................',
    ])
  })

  it('writes characters missing from the font as question marks, at any scale', () => {
    const [mark, unknown] = [new Canvas(10, 16), new Canvas(10, 16)]
    mark.text(0, 0, 2, '?', white)
    unknown.text(0, 0, 2, 'é', white)
    expect(show(unknown)).toEqual(show(mark))
    expect(show(mark)[0]).toBe('..######..')
  })

  it('cuts off what falls outside', () => {
    const canvas = new Canvas(3, 2)
    canvas.fill(-1, -1, 3, 2, white)
    canvas.fill(2, 1, 5, 5, white)
    expect(show(canvas)).toEqual(['##.', '..#'])
  })

  const pair: Raster = { width: 2, height: 1, rgb: Float32Array.of(0, 0, 0, 200, 200, 200) }

  it('stretches a raster by its nearest pixels', () => {
    const canvas = new Canvas(4, 2)
    canvas.raster(0, 0, 4, 2, pair, false)
    expect(red(canvas)).toEqual([0, 0, 200, 200, 0, 0, 200, 200])
  })

  it('stretches a raster smoothly, pixel centres in place', () => {
    const canvas = new Canvas(4, 1)
    canvas.raster(0, 0, 4, 1, pair, true)
    expect(red(canvas)).toEqual([0, 50, 150, 200])
  })
})
