import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { maxPool3d, type PoolOptions } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/max-pool3d.js'
import { map, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectReference } from './check.js'
import { poolings } from './poolings.js'

const device = useGpu()
const draw = drawFrom(2)

describe('max_pool3d', () => {
  for (const shape of [
    [1, 1, 2, 2, 2],
    [2, 3, 2, 3, 5],
    [3, 2, 7, 11, 13],
    [2, 14, 5, 2, 3],
    [1, 5, 3, 2, 33],
    [2, 1, 4, 6, 66],
  ]) {
    it(`[${shape.join(', ')}]`, () => expectPooling(draw(shape)))

    // Two levels make ties the rule; a tie across rows or planes shows the order in which they are broken.
    it(`[${shape.join(', ')}] with ties`, () => expectPooling(map(draw(shape), (x) => (x < -0.5 ? -1 : 0.5))))
  }

  it('all equal, and all negative', () => expectPooling(map(draw([2, 3, 5, 4, 7]), () => -7.5)))

  for (const [options, shape] of poolings) {
    it(`${JSON.stringify(options)} of [${shape.join(', ')}]`, () => expectPooling(draw(shape), options))

    it(`${JSON.stringify(options)} of [${shape.join(', ')}] with ties`, () =>
      expectPooling(
        map(draw(shape), (x) => (x < -0.5 ? -1 : -0.5)),
        options,
      ))
  }

  it('refuses what does not fit', () => {
    expect(() => maxPool3d(input('x', [1, 1, 2, 3, 2]), { kernelSize: 3, stride: 1 })).toThrow(
      'max_pool3d: kernel 3x3x3 is larger than the padded input [2, 3, 2]',
    )
    expect(() => maxPool3d(input('x', [1, 1, 2, 3, 2]), { kernelSize: 1, padding: 1 })).toThrow(
      'max_pool3d: padding [1, 1, 1] is more than half of the kernel 1x1x1',
    )
    expect(() => maxPool3d(input('x', [1, 1, 2, 1, 2]))).toThrow('[1, 1, 2, 1, 2] has an extent below 2')
  })
})

/** Every output is a copy, so exact; and so is a gradient of one window. Where windows overlap, some are added. */
const expectPooling = (x: NdArray, options?: PoolOptions): Promise<void> =>
  expectReference(device.gpu, {
    feeds: { x },
    build: (v) => maxPool3d(v.x!, options),
    expected: reference.forward(x, options),
    backward: (gradOutput) => ({ x: reference.backward(gradOutput, x, options).gradInput }),
    tolerance: options ? 1e-7 : 0,
  })
