/** Graphs at random, whose values take turns in memory, against the references. */
import { describe, expect, it } from 'vitest'
import { accumulate } from '../../src/graph/accumulate.js'
import { input, type Value } from '../../src/graph/value.js'
import { maxPool3d, softmax, upsampleNearest } from '../../src/ops/index.js'
import { compile } from '../../src/plan/compile.js'
import { useGpu } from '../gpu.js'
import { drawFrom } from '../ops/check.js'
import { add } from '../reference/elementwise.js'
import * as maxPool from '../reference/max-pool3d.js'
import { fromArray, mulberry32, relativeError, type NdArray } from '../reference/nd-array.js'
import * as softmaxes from '../reference/softmax.js'
import * as upsample from '../reference/upsample-nearest.js'

const device = useGpu()
const draw = drawFrom(22)

describe('random graphs', () => {
  // Every value is both computed in shared memory and by the reference: a slot taken over too soon would show.
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i', async (seed) => {
    const random = mulberry32(seed)
    const extent = [1, 3, 4, 6, 8]
    const x = input('x', extent)
    const start = draw(extent)
    let values: { value: Value; expected: NdArray }[] = [{ value: x, expected: start }]
    const same = (shape: readonly number[]) =>
      values.filter(({ expected }) => expected.shape.join() === shape.join())
    for (let i = 0; i < 25; i++) {
      const { value, expected } = values[Math.floor(random() * values.length)]!
      const kind = Math.floor(random() * 4)
      if (kind === 0) {
        const others = same(expected.shape)
        const other = others[Math.floor(random() * others.length)]!
        values.push({ value: accumulate(value, other.value), expected: add(expected, other.expected) })
      } else if (kind === 1) values.push({ value: softmax(value), expected: softmaxes.softmax(expected) })
      else if (expected.shape[2]! > 4)
        values.push({ value: maxPool3d(value), expected: maxPool.forward(expected) })
      else values.push({ value: upsampleNearest(value), expected: upsample.forward(expected) })
    }
    values = values.filter((_, i) => i > 0 && (random() < 0.3 || i === values.length - 1))
    const plan = await compile(device.gpu, { outputs: values.map(({ value }) => value) })
    plan.write(x, Float32Array.from(start.data))
    await plan.run()
    for (const { value, expected } of values) {
      const actual = fromArray(expected.shape, await plan.read(value))
      expect(relativeError(actual, expected)).toBeLessThan(1e-5)
    }
    plan.dispose()
  })
})
