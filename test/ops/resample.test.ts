import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { resample } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import { fromArray, map as mapArray, type NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/resample.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(8)

/** The device's maps are f32; the positions of the reference follow from the same numbers. */
const rounded = (rows: number[][][]): NdArray => mapArray(reference.mapOf(rows), Math.fround)

const oblique = [
  [0.81, 0.213, -0.104, 0.31],
  [-0.207, 0.93, 0.051, -0.22],
  [0.137, 0.02, 0.62, 0.43],
]
const turned = [
  [0, 0, -1.31, 2.13],
  [0.72, 0, 0, -0.41],
  [0, 1.93, 0, 0.17],
]
const identity = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
]
/** All of the output along a line. */
const singular = [
  [0.4, 0.3, 0.21, 0.1],
  [0.4, 0.3, 0.21, -0.2],
  [0, 0, 0, 0.3],
]
const far = identity.map(([a, b, c]) => [a!, b!, c!, 100])

describe('resample', () => {
  for (const mode of ['trilinear', 'nearest'] as const) {
    for (const extent of extents)
      it(`[2, 3, ${extent.join(', ')}], ${mode}`, async () => {
        const x = draw([2, 3, ...extent])
        const voxelMap = rounded([oblique, turned])
        await expectReference(device.gpu, {
          feeds: { x, voxelMap },
          build: (v) => resample(v.x!, v.voxelMap!, [3, 5, 4], { mode }),
          expected: reference.forward(x, voxelMap, [3, 5, 4], mode),
          backward: (g) => ({ x: reference.backward(g, voxelMap, extent, mode).gradInput }),
        })
      })

    it.each(Object.entries({ 'without an inverse': singular, 'onto larger voxels': turned }))(
      `a map %s, ${mode}`,
      async (_, rows) => {
        const x = draw([1, 2, 4, 3, 5])
        const voxelMap = rounded([rows])
        await expectReference(device.gpu, {
          feeds: { x, voxelMap },
          build: (v) => resample(v.x!, v.voxelMap!, [7, 2, 3], { mode }),
          expected: reference.forward(x, voxelMap, [7, 2, 3], mode),
          backward: (g) => ({ x: reference.backward(g, voxelMap, [4, 3, 5], mode).gradInput }),
        })
      },
    )

    it(`returns the input by the identity, to the bit, ${mode}`, async () => {
      const x = draw([1, 2, 5, 7, 3])
      const { y } = await evaluate(device.gpu, { x, voxelMap: rounded([identity]) }, (v) => ({
        y: resample(v.x!, v.voxelMap!, [5, 7, 3], { mode }),
      }))
      expect(Array.from(y.data)).toEqual(Array.from(x.data))
    })

    it(`is 0 outside, and continues the outermost voxels for half a voxel, ${mode}`, async () => {
      const x = fromArray([1, 1, 1, 1, 2], [3, 5])
      const sampleAt = async (shift: number, map = identity) => {
        const rows = map.map(([a, b, c, t], row) => [a!, b!, c!, row === 2 ? shift : t!])
        const { y } = await evaluate(device.gpu, { x, voxelMap: rounded([rows]) }, (v) => ({
          y: resample(v.x!, v.voxelMap!, [1, 1, 1], { mode }),
        }))
        return y.data[0]
      }
      expect(await sampleAt(-0.49)).toBe(3)
      expect(await sampleAt(1.49)).toBe(5)
      expect(await sampleAt(-0.52)).toBe(0)
      expect(await sampleAt(1.52)).toBe(0)
      expect(await sampleAt(0.25)).toBe(mode === 'nearest' ? 3 : 3.5)
      expect(await sampleAt(0, far)).toBe(0)
    })
  }

  it('refuses what does not fit', () => {
    const x = input('x', [2, 1, 2, 2, 2])
    expect(() => resample(x, input('map', [3, 4]), [1, 1, 1])).toThrow(
      'resample: the map is [3, 4], but must be [2, 3, 4]',
    )
    expect(() => resample(x, input('map', [2, 3, 4]), [1, 0, 1])).toThrow('resample: extents must be')
    expect(() => resample(input('x', [3, 4]), input('map', [2, 3, 4]), [1, 1, 1])).toThrow(
      'a volume [N,C,D,H,W] is needed',
    )
  })
})
