import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { gridSample, type GridSampleOptions } from '../../src/ops/index.js'
import { differentiate, evaluate, useGpu, withBindingLimit } from '../gpu.js'
import { fromArray, map, relativeError, type NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/grid-sample.js'
import { drawFrom, expectReference, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(35)

const modes = (['trilinear', 'nearest'] as const).flatMap((mode) =>
  (['zeros', 'border'] as const).flatMap((padding) =>
    [false, true].map((alignCorners): Required<GridSampleOptions> => ({ mode, padding, alignCorners })),
  ),
)

const check = (x: NdArray, grid: NdArray, options: GridSampleOptions, tolerance = 3e-6) =>
  expectReference(device.gpu, {
    feeds: { x, grid },
    build: (v) => gridSample(v.x!, v.grid!, options),
    expected: reference.forward(x, grid, options),
    backward: (g) => {
      const { gradInput, gradGrid } = reference.backward(g, x, grid, options)
      // The nearest voxel has no slope, and so no node for it.
      return options.mode === 'nearest' ? { x: gradInput } : { x: gradInput, grid: gradGrid }
    },
    tolerance,
  })

describe('grid_sample', () => {
  for (const options of modes) {
    const { mode, padding, alignCorners } = options
    describe(`${mode}, ${padding}${alignCorners ? ', aligned corners' : ''}`, () => {
      it.each(extents)('[2, 3, %i, %i, %i] at [3, 5, 4]', (...extent) =>
        check(draw([2, 3, ...extent]), draw([2, 3, 3, 5, 4], -1.5, 1.5), options),
      )
      it('[1, 2, 3, 5, 2] at [7, 11, 13], and one voxel', async () => {
        await check(draw([1, 2, 3, 5, 2]), draw([1, 3, 7, 11, 13], -1.5, 1.5), options)
        await check(draw([1, 14, 3, 5, 2]), draw([1, 3, 1, 1, 1], -0.5, 0.5), options)
      })
      it('an image: a volume of depth 1, with z = 0', async () => {
        const grid = draw([2, 3, 1, 5, 7], -1.2, 1.2)
        grid.data.forEach((_, i) => {
          if (Math.floor(i / 35) % 3 === 2) grid.data[i] = 0
        })
        await check(draw([2, 4, 1, 9, 6]), grid, options)
      })
    })
  }

  it.each(['zeros', 'border'] as const)(
    'at centres, corners and beyond, %s: slopes as in PyTorch',
    async (padding) => {
      // Voxels -2 to 4 of three, in steps of 1/2, with aligned corners: exact in f32.
      const coordinates = Array.from({ length: 13 }, (_, i) => -3 + i / 2)
      const x = fromArray([1, 1, 1, 1, 3], [3, 5, 11])
      const grid = fromArray([1, 3, 1, 1, 13], [...coordinates, ...Array<number>(26).fill(0)])
      const ones = fromArray([1, 1, 1, 1, 13], Array<number>(13).fill(1))
      const options = { padding, alignCorners: true }
      const results = await differentiate(device.gpu, { x, grid }, ['x', 'grid'], ones, (v) =>
        gridSample(v.x!, v.grid!, options),
      )
      const { gradInput, gradGrid } = reference.backward(ones, x, grid, options)
      expect([...results.output!.data]).toEqual([...reference.forward(x, grid, options).data])
      expect([...results['grad x']!.data]).toEqual([...gradInput.data])
      expect([...results['grad grid']!.data.slice(0, 13)]).toEqual([...gradGrid.data.slice(0, 13)])
      if (padding === 'border')
        expect([...results['grad grid']!.data.slice(0, 13)]).toEqual([0, 0, 0, 0, 0, 2, 6, 6, 0, 0, 0, 0, 0])
    },
  )

  it('the gradient of the input has the same bits in every run, however volumes are cut', async () => {
    const [x, grid] = [draw([2, 3, 7, 9, 11]), draw([2, 3, 9, 13, 11], -1.1, 1.1)]
    const g = draw([2, 3, 9, 13, 11])
    const run = () =>
      differentiate(device.gpu, { x, grid }, ['x', 'grid'], g, (v) => gridSample(v.x!, v.grid!))
    const first = await run()
    for (let i = 0; i < 3; i++) {
      const again = await run()
      for (const [name, array] of Object.entries(first)) expectSameBits(again[name]!, array, name)
    }
    // Room for one volume of the input, so that its sums of two words take several slabs.
    const cut = await withBindingLimit(device.gpu, 4 * (3 * 7 * 9 * 11 + 128), run)
    for (const [name, array] of Object.entries(first)) expectSameBits(cut[name]!, array, name)
  })

  it.each([1e-30, 1e-12, 1, 1e20])(
    'sums gradients of the size %s, many of them in one voxel',
    async (size) => {
      const [x, grid] = [draw([1, 2, 3, 4, 5]), map(draw([1, 3, 16, 16, 16]), (v) => Math.fround(0.3 * v))]
      // From 1 to 1e-6 of the size, of one sign, so that the sums do not cancel.
      const g = map(draw([1, 2, 16, 16, 16], 0, 6), (v) => Math.fround(size * 10 ** -v))
      const results = await differentiate(device.gpu, { x, grid }, ['x'], g, (v) => gridSample(v.x!, v.grid!))
      const { gradInput } = reference.backward(g, x, grid)
      expect(relativeError(results['grad x']!, gradInput)).toBeLessThan(3e-7)
    },
  )

  it('passes on gradients that are not finite, and those that are 0', async () => {
    const [x, grid] = [draw([1, 1, 2, 2, 2]), draw([1, 3, 2, 2, 2])]
    const of = async (...numbers: number[]) => {
      const g = fromArray([1, 1, 2, 2, 2], [...numbers, 0, 0, 0, 0, 0, 0])
      const results = await differentiate(device.gpu, { x, grid }, ['x'], g, (v) => gridSample(v.x!, v.grid!))
      return [...results['grad x']!.data]
    }
    expect(await of(NaN, 1)).toEqual(Array(8).fill(NaN))
    expect(await of(1, Infinity)).toEqual(Array(8).fill(NaN))
    expect(await of(0, 0)).toEqual(Array(8).fill(0))
  })

  it('reads far outside as asked', async () => {
    const x = fromArray([1, 1, 1, 1, 2], [3, 5])
    const grid = fromArray([1, 3, 1, 1, 2], [-1e30, 1e30, 0, 0, 0, 0])
    const { zero, border } = await evaluate(device.gpu, { x, grid }, (v) => ({
      zero: gridSample(v.x!, v.grid!),
      border: gridSample(v.x!, v.grid!, { padding: 'border' }),
    }))
    expect([...zero.data]).toEqual([0, 0])
    expect([...border.data]).toEqual([3, 5])
  })

  it('refuses what does not fit', () => {
    const x = input('x', [2, 1, 2, 2, 2])
    expect(() => gridSample(x, input('grid', [2, 2, 3, 3, 3]))).toThrow(
      'grid_sample: the grid of x [2, 1, 2, 2, 2] must be [2, 3, D, H, W], not grid [2, 2, 3, 3, 3]',
    )
    expect(() => gridSample(x, input('grid', [1, 3, 3, 3, 3]))).toThrow('must be [2, 3, D, H, W]')
    expect(() => gridSample(x, input('grid', [2, 3, 3, 3]))).toThrow('a volume [N,C,D,H,W] is needed')
    const grid = input('grid', [2, 3, 3, 3, 3])
    expect(() => gridSample(x, grid, { padding: 'reflection' as 'zeros' })).toThrow(
      'grid_sample: padding must be zeros or border, not reflection',
    )
    expect(() => gridSample(x, grid, { mode: 'bilinear' as 'nearest' })).toThrow('grid_sample: mode must be')
  })
})
