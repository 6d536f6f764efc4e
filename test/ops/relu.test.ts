import { describe, expect, it } from 'vitest'
import { compile } from '../../src/plan/compile.js'
import { input } from '../../src/graph/value.js'
import { maxWorkgroups } from '../../src/gpu/traits.js'
import { relu } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import { map } from '../reference/nd-array.js'
import * as reference from '../reference/relu.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(14)

describe('relu', () => {
  for (const shape of [...extents.map((extent) => [2, 3, ...extent]), [4097]]) {
    it(`[${shape.join(', ')}]`, () => {
      // A tenth of them exactly 0, where the gradient is 0 as in PyTorch.
      const x = map(draw(shape), (value, i) => (i % 10 === 0 ? 0 : value))
      return expectReference(device.gpu, {
        feeds: { x },
        build: (v) => relu(v.x!),
        expected: reference.forward(x),
        backward: (gradOutput) => ({ x: reference.backward(gradOutput, x).gradInput }),
        tolerance: 0,
      })
    })
  }

  it('of more elements than one dimension of a dispatch reaches, four to an invocation', async () => {
    const count = 4 * maxWorkgroups * 64 + 12347
    const x = input('x', [count])
    const y = relu(x)
    const plan = await compile(device.gpu, { outputs: [y] })
    const data = Float32Array.from({ length: count }, (_, i) => (i % 1013) - 500)
    plan.write(x, data)
    await plan.run()
    const result = await plan.read(y)
    plan.dispose()
    expect(result.findIndex((value, i) => value !== Math.max(data[i]!, 0))).toBe(-1)
  })

  it('refuses what is not a value', () => {
    expect(() => relu(undefined as never)).toThrow('relu: input: a Value is needed, not undefined')
    expect(() => relu(3 as never)).toThrow('relu: input: a Value is needed, not a number')
  })
})
