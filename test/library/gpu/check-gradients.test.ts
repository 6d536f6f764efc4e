import { describe, expect, it } from 'vitest'
import {
  accumulate,
  checkGradients,
  compile,
  conv3d,
  dot,
  gradients,
  input,
  labelConv3d,
  softmax,
  squaredError,
  type Value,
} from '../../../src/index.js'
import { useGpu, withBindingLimit } from '../../gpu.js'
import { drawFrom, extents } from '../../ops/check.js'
import { cube } from './cube.js'

const device = useGpu()

describe('an op of somebody else', () => {
  it.each(extents)('computes what it says: %i x %i x %i', async (...extent) => {
    const shape = [2, 3, ...extent]
    const x = input('x', shape)
    const y = cube(x)
    const plan = await compile(device.gpu, { outputs: [y] })
    const { data } = drawFrom(5)(shape)
    plan.write(x, Float32Array.from(data))
    await plan.run()
    const result = await plan.read(y)
    data.forEach((value, i) => {
      expect(Math.abs(result[i]! - value ** 3)).toBeLessThan(1e-6)
    })
    plan.dispose()
  })

  it('gives the same bits in windows and slab by slab', async () => {
    const shape = [2, 3, 7, 11, 13]
    const x = input('x', shape)
    const y = cube(cube(x))
    const total = dot(y, y)
    const outputs = [total, ...gradients(total, [x])]
    const data = Float32Array.from(drawFrom(6)(shape).data)
    const run = async (options: { slabPlanes?: number } = {}) => {
      const plan = await compile(device.gpu, { outputs, ...options })
      plan.write(x, data)
      await plan.run()
      const results = await Promise.all(outputs.map((value) => plan.read(value)))
      const { length, slabs } = plan
      plan.dispose()
      return { results, length, slabs }
    }
    const plain = await run()
    const windows = await withBindingLimit(device.gpu, 16384, () => run())
    const swept = await run({ slabPlanes: 3 })
    expect(windows.length).toBeGreaterThan(plain.length)
    expect(swept.slabs).toBeGreaterThan(1)
    expect(plain.results[0]![0]).toBeGreaterThan(0)
    for (const { results } of [windows, swept]) expect(results).toEqual(plain.results)
  })
})

describe('checkGradients', () => {
  const shape = [2, 3, 3, 5, 7]

  it('accepts a right gradient, to several digits', async () => {
    const errors = await checkGradients(device.gpu, { inputs: { x: { shape } }, build: ({ x }) => cube(x) })
    expect(Object.keys(errors)).toEqual(['x'])
    expect(errors.x).toBeLessThan(1e-4)
    expect(errors.x).toBeGreaterThan(0)
  })

  it.each([-1, 0, 0.5, 0.99, 1.01])('catches a gradient that is %f times the right one', async (factor) => {
    const check = checkGradients(device.gpu, {
      inputs: { x: { shape, range: [0.5, 1] } },
      build: ({ x }) => cube(x, factor),
    })
    await expect(check).rejects.toThrow(/^checkGradients: gradients are off: x by .*0\.001 is allowed/)
  })

  it('names the inputs that are wrong, and only those', async () => {
    const check = checkGradients(device.gpu, {
      inputs: { right: { shape }, wrong: { shape } },
      build: ({ right, wrong }) => accumulate(cube(right), cube(wrong, 1.1)),
    })
    const error = await check.catch((reason: unknown) => reason as Error)
    expect((error as Error).message).toMatch(/off: wrong by [\d.e-]+ \(/)
  })

  it('checks several outputs, weights and bias of a convolution, and scalars', async () => {
    const errors = await checkGradients(device.gpu, {
      inputs: {
        x: { shape: [1, 2, 3, 5, 4] },
        w: { shape: [3, 2, 3, 3, 3], layout: 'flat' },
        b: { shape: [3] },
        y: { shape: [1, 3, 3, 5, 4] },
      },
      build: ({ x, w, b, y }) => {
        const output = conv3d(x, w, b, { padding: 'same' })
        return [softmax(output), squaredError(output, y)]
      },
    })
    expect(Object.keys(errors)).toEqual(['x', 'w', 'b', 'y'])
    for (const error of Object.values(errors)) expect(error).toBeLessThan(1e-3)
  })

  it('leaves whole numbers unchanged, and checks the wanted values', async () => {
    const labels = Uint32Array.from({ length: 24 }, (_, i) => i % 3)
    const errors = await checkGradients(device.gpu, {
      inputs: {
        labels: { shape: [1, 1, 2, 3, 4], data: labels },
        w: { shape: [1, 3, 3, 3, 3], layout: 'flat' },
        b: { shape: [1] },
      },
      wanted: ['w'],
      build: ({ labels, w, b }) => labelConv3d(labels, w, b),
    })
    expect(Object.keys(errors)).toEqual(['w'])
  })

  it('fails if a gradient is not finite, or an input is not used', async () => {
    const inputs = { x: { shape: [1, 1, 1, 1, 3], data: Float32Array.of(1e30, 1, 1) }, y: { shape: [1] } }
    await expect(
      checkGradients(device.gpu, { inputs, wanted: ['x'], build: ({ x }) => cube(x) }),
    ).rejects.toThrow('x by Infinity')
    const unused = checkGradients(device.gpu, { inputs, build: ({ x }): Value => cube(x) })
    await expect(unused).rejects.toThrow('does not depend on y')
  })

  it('fails if it would check nothing', async () => {
    const check = (options: object) =>
      checkGradients(device.gpu, { inputs: { x: { shape } }, build: ({ x }) => cube(x, 2), ...options })
    await expect(check({ wanted: ['y'] })).rejects.toThrow('there is no input y; the inputs are x')
    await expect(check({ wanted: [] })).rejects.toThrow('checkGradients: no input has a gradient to check')
    await expect(check({ directions: 0 })).rejects.toThrow('directions must be at least 1, not 0')
    await expect(check({ tolerance: NaN })).rejects.toThrow('gradients are off: x by')
  })
})
