import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { affineGrid, gridSample } from '../../src/ops/index.js'
import { differentiate, evaluate, useGpu, withBindingLimit } from '../gpu.js'
import { fromArray, relativeError } from '../reference/nd-array.js'
import * as reference from '../reference/affine-grid.js'
import { drawFrom, expectReference, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(36)

describe('affine_grid', () => {
  for (const alignCorners of [false, true])
    it.each(extents)(`[%i, %i, %i]${alignCorners ? ', aligned corners' : ''}`, (...extent) => {
      const theta = draw([2, 3, 4])
      return expectReference(device.gpu, {
        feeds: { theta },
        build: (v) => affineGrid(v.theta!, extent, { alignCorners }),
        expected: reference.forward(theta, extent, alignCorners),
        backward: (g) => ({ theta: reference.backward(g, alignCorners).gradTheta }),
        tolerance: 2e-6,
      })
    })

  it('has the same bits however the grid is cut', async () => {
    const [theta, g] = [draw([2, 3, 4]), draw([2, 3, 7, 33, 65])]
    const run = () =>
      differentiate(device.gpu, { theta }, ['theta'], g, (v) => affineGrid(v.theta!, [7, 33, 65]))
    const whole = await run()
    const cut = await withBindingLimit(device.gpu, 65536, run)
    for (const [name, array] of Object.entries(whole)) expectSameBits(cut[name]!, array, name)
  })

  it.each([false, true])(
    'samples the volume itself at the identity, aligned corners: %s',
    async (alignCorners) => {
      const x = draw([1, 2, 5, 7, 3])
      const theta = fromArray([1, 3, 4], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0])
      const { y } = await evaluate(device.gpu, { x, theta }, (v) => ({
        y: gridSample(v.x!, affineGrid(v.theta!, [5, 7, 3], { alignCorners }), { alignCorners }),
      }))
      expect(relativeError(y, x)).toBeLessThan(1e-6)
    },
  )

  it('refuses maps and extents of another form', () => {
    expect(() => affineGrid(input('theta', [3, 4]), [1, 2, 3])).toThrow(
      'affine_grid: the map must be [N, 3, 4], not theta [3, 4]',
    )
    expect(() => affineGrid(input('theta', [1, 3, 4]), [1, 0, 3])).toThrow('affine_grid: extents must be')
  })
})
