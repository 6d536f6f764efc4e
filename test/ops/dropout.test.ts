import { describe, expect, it } from 'vitest'
import { compile } from '../../src/plan/compile.js'
import { gradients } from '../../src/graph/gradients.js'
import { input } from '../../src/graph/value.js'
import { dot, dropout } from '../../src/ops/index.js'
import { differentiate, useGpu, withBindingLimit } from '../gpu.js'
import * as reference from '../reference/dropout.js'
import { map, zeros, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectReference, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(28)
const [seed, step] = [0xdeadbeef, 12]
const counter = { shape: [2], data: Uint32Array.of(seed, step) }

describe('dropout', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 3],
    [3, 1],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      it(`[${shape.join(', ')}]`, async () => {
        const x = draw(shape)
        for (const [p, stream] of [[0.3, 0], [0.5, 0], [0.9, 65535]] as const)
          await expectReference(device.gpu, {
            feeds: { x, counter },
            build: (v) => dropout(v.x!, p, v.counter!, { stream }),
            expected: reference.forward(x, p, seed, step, stream),
            backward: (g) => ({ x: reference.backward(g, p, seed, step, stream).gradInput }),
            tolerance: 3e-7,
          })
      })
    }

  it('of flat values, each number a voxel', async () => {
    const x = draw([7, 300])
    const asVolume = (array: NdArray) => ({ shape: [1, 1, 1, 7, 300], data: array.data })
    const asFlat = (array: NdArray) => ({ shape: [7, 300], data: array.data })
    await expectReference(device.gpu, {
      feeds: { x, counter },
      build: (v) => dropout(v.x!, 0.5, v.counter!, { stream: 1 }),
      expected: asFlat(reference.forward(asVolume(x), 0.5, seed, step, 1)),
      backward: (g) => ({ x: asFlat(reference.backward(asVolume(g), 0.5, seed, step, 1).gradInput) }),
    })
    const large = input('large', [4194241])
    expect(() => dropout(large, 0.5, input('counter', [2], { dtype: 'u32' }))).toThrow(
      'dropout: large has 4194241 numbers, more than 4194240 for flat values',
    )
  })

  it('p = 0 changes nothing', async () => {
    const x = draw([2, 3, 3, 5, 7])
    await expectReference(device.gpu, {
      feeds: { x, counter },
      build: (v) => dropout(v.x!, 0, v.counter!),
      expected: x,
      backward: (g) => ({ x: g }),
      tolerance: 0,
    })
  })

  it('has the same mask however the volume is cut', async () => {
    const x = draw([2, 5, 7, 11, 13])
    const run = () =>
      differentiate(device.gpu, { x, counter }, ['x'], x, (v) => dropout(v.x!, 0.5, v.counter!))
    const whole = await run()
    for (const limit of [1, 2, 3].map((planes) => Math.max(16384, 4 * (planes * 5 * 11 * 13 + 64)))) {
      const cut = await withBindingLimit(device.gpu, limit, run)
      expectSameBits(cut.output!, whole.output!, 'output')
      expectSameBits(cut['grad x']!, whole['grad x']!, 'gradient')
    }
  })

  it('has the same mask slab by slab, forward and backward', async () => {
    const shape = [1, 3, 9, 5, 7]
    const [x, two] = [input('x', shape), input('counter', [2], { dtype: 'u32' })]
    const y = dropout(x, 0.5, two)
    const [grad] = gradients(dot(y, y), [x])
    const ones = map(zeros(shape), () => 1)
    const plan = await compile(device.gpu, { outputs: [grad!], slabPlanes: 2 })
    try {
      plan.write(x, Float32Array.from(ones.data))
      plan.write(two, counter.data)
      await plan.run()
      expect(plan.slabs).toBe(5)
      // Twice the factor squared, which is 0 or 4.
      const expected = map(reference.forward(ones, 0.5, seed, step), (factor) => 2 * factor * factor)
      expect([...(await plan.read(grad!))]).toEqual([...expected.data])
    } finally {
      plan.dispose()
    }
  })

  it('streams are independent, and drop a share p', () => {
    const ones = map(zeros([1, 5, 8, 32, 16]), () => 1)
    const [first, second] = [3, 4].map((stream) => reference.forward(ones, 0.3, seed, step, stream))
    const count = ones.data.length
    const dropped = (array: typeof ones) => array.data.filter((value) => value === 0).length / count
    const both = first!.data.filter((value, i) => value === 0 && second!.data[i] === 0).length / count
    // Five standard errors.
    const error = (share: number) => 5 * Math.sqrt((share * (1 - share)) / count)
    expect(Math.abs(dropped(first!) - 0.3)).toBeLessThan(error(0.3))
    expect(Math.abs(dropped(second!) - 0.3)).toBeLessThan(error(0.3))
    expect(Math.abs(both - 0.09)).toBeLessThan(error(0.09))
  })

  it('refuses an invalid probability, counter and stream', () => {
    const [x, two] = [input('x', [1, 1, 2, 2, 2]), input('counter', [2], { dtype: 'u32' })]
    for (const p of [-0.1, 1, NaN])
      expect(() => dropout(x, p, two)).toThrow(`dropout: p must be at least 0 and below 1, not ${p}`)
    expect(() => dropout(x, 0.5, input('counter', [2]))).toThrow('two u32: seed, step')
    expect(() => dropout(x, 0.5, two, { stream: 65536 })).toThrow('below 65536, not 65536')
  })
})
