/** Strips of a sweep whose readers do not advance alike, or whose planes are not whole vec4s: the bits of a plan that runs at once. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/graph/gradients.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import * as ops from '../../src/ops/index.js'
import { compile, type CompileOptions } from '../../src/plan/compile.js'
import { useGpu } from '../gpu.js'

const device = useGpu()

const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => ((i * 37) % 101) / 50 - 1)
const same = { padding: 'same' } as const

/** What follows a first convolution, between it and another one. */
const between: Record<string, (h: Value) => Value> = {
  'slice along depth': (h) => ops.slice(h, { starts: [2], axes: [2] }),
  'every other plane': (h) => ops.slice(h, { axes: [2], starts: [0], steps: [2] }),
  'reflected planes': (h) => ops.pad(h, [[2, 1], [0, 0], [0, 0]], { mode: 'reflect' }),
  'the middle planes': (h) => ops.fit(h, [4, 9, 6], [4, 0, 0]),
  'every third plane, kept': (h) => ops.slice(h, { axes: [2], starts: [1], steps: [3] }),
  'zero planes': (h) => ops.pad(h, [[1, 2], [0, 0], [0, 0]]),
  'concat along depth': (h) => ops.concat([h, ops.relu(h)], 2),
  'a part of the depth': (h) => ops.split(h, 6, 2)[1]!,
  'a flat value in between': (h) => ops.reshape(ops.reshape(h, [h.size]), h.shape, { layout: 'volume' }),
  'planes pooled in twos': (h) => ops.maxPool3d(h, { kernelSize: [2, 1, 1] }),
  'padded, twice, at either end': (h) => {
    const p = ops.pad(h, [[0, 2], [0, 1], [0, 2]])
    return ops.concat([p, ops.relu(p)], 2)
  },
} // prettier-ignore

describe.each(Object.entries(between))('%s', (_, follow) => {
  it.each([
    [1, 1, 12, 9, 6],
    [2, 3, 12, 9, 6],
    [1, 4, 12, 8, 8],
  ])('[%i, %i, %i, %i, %i]', async (...shape) => {
    const channels = shape[1]
    const x = input('x', shape)
    const w = parameter('w', [channels, channels, 3, 3, 3], numbers(27 * channels ** 2))
    const first = ops.conv3d(x, w, undefined, same)
    const last = ops.conv3d(ops.relu(ops.conv3d(follow(first), w, undefined, same)), w, undefined, same)
    const loss = ops.sum(ops.square(last))
    const outputs = [loss, ...gradients(loss, [x, w])]
    const run = async (options: Partial<CompileOptions>): Promise<Float32Array[]> => {
      const plan = await compile(device.gpu, { outputs, ...options })
      plan.write(x, numbers(x.size))
      await plan.run()
      const results = []
      for (const value of outputs) results.push(await plan.read(value))
      plan.dispose()
      return results
    }
    const whole = await run({})
    expect(whole[0]![0]).toBeGreaterThan(0)
    for (const slabPlanes of [1, 2, 3, 5, 8]) {
      const cut = await run({ slabPlanes })
      expect(cut, `${slabPlanes} planes`).toEqual(whole)
    }
  })
})

it.each([-2, -1, 0, 1])(
  'computes every plane of a kept volume, even if others are asked for first: %i',
  async (at) => {
    const x = input('x', [2, 2, 4, 2, 4])
    const w = parameter('w', [2, 2, 1, 1, 1], numbers(4))
    const kept = ops.logSoftmax(ops.fit(ops.conv3d(ops.neighbourSums(x, 3), w), [2, 3, 4], [at, 0, 0]), 1)
    const weights = parameter('weights', [kept.size], numbers(kept.size))
    const loss = ops.dot(kept, ops.reshape(weights, kept.shape, { layout: 'volume' }))
    const outputs = [loss, kept, ...gradients(loss, [x, w])]
    const run = async (options: Partial<CompileOptions>) => {
      const plan = await compile(device.gpu, { outputs, ...options })
      plan.write(x, numbers(x.size))
      await plan.run()
      const result = await plan.read(kept)
      plan.dispose()
      return result
    }
    expect(await run({ slabPlanes: 1 })).toEqual(await run({}))
  },
)
