import { describe, expect, it } from 'vitest'
import { renderCurves } from '../../src/report/curves.js'

const labels = { title: 'Loss', xLabel: 'epoch', yLabel: 'error' }

/** The plotted lines: the `d` of each path without a fill, as lists of pieces, each a list of [x, y]. */
function plotted(svg: string): number[][][][] {
  return [...svg.matchAll(/<path d="([^"]*)" fill="none"/g)].map(([, d]) =>
    d!
      .split('M')
      .filter(Boolean)
      .map((piece) => piece.split('L').map((point) => point.split(' ').map(Number))),
  )
}

describe('renderCurves', () => {
  it('draws each series from the lower left to the upper right of the frame', () => {
    const svg = renderCurves({ ...labels, series: [{ name: 'mse', values: [0, 5, 10] }] })
    expect(plotted(svg)).toEqual([
      [
        [
          [76, 312],
          [76, 312],
          [350, 176],
          [624, 40],
        ],
      ],
    ])
    for (const text of ['Loss', 'epoch', 'error', 'mse', '10', '0.5'])
      expect(svg).toContain(`>${text}</text>`)
  })

  it('shares the axes between series and takes their own x', () => {
    const series = [
      { name: 'a', values: [0, 1] },
      { name: 'b', values: [1, 0], x: [0, 2] },
    ]
    const [a, b] = plotted(renderCurves({ ...labels, series, width: 292, height: 188 })) as [
      number[][][],
      number[][][],
    ]
    expect(a[0]!.slice(1)).toEqual([
      [76, 140],
      [176, 40],
    ])
    expect(b[0]!.slice(1)).toEqual([
      [76, 40],
      [276, 140],
    ])
  })

  it('leaves a gap if a value is not finite', () => {
    const [line] = plotted(
      renderCurves({ ...labels, series: [{ name: 'mse', values: [1, NaN, 2, Infinity, 3, 4] }] }),
    )
    expect(line!.map((piece) => piece.length - 1)).toEqual([1, 1, 2])
    expect(line!.flat(2).every(Number.isFinite)).toBe(true)
  })

  it.each([[[]], [[NaN]], [[3]], [[2, 2, 2]], [[0]], [[1e-9, 2e-9]], [[-1e12, 1e12]]])(
    'draws %j',
    (values) => {
      const svg = renderCurves({ ...labels, series: [{ name: 'mse', values }] })
      expect(svg).not.toMatch(/NaN|Infinity|undefined/)
      const ticks = svg.match(/stroke="#ddd"/g)!.length
      expect(ticks).toBeGreaterThanOrEqual(4)
      expect(ticks).toBeLessThanOrEqual(14)
    },
  )

  it('escapes names', () => {
    const svg = renderCurves({ ...labels, title: 'a < b & "c"', series: [{ name: '<mse>', values: [1, 2] }] })
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;')
    expect(svg).toContain('>&lt;mse&gt;</text>')
  })
})
