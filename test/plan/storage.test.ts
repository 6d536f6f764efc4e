/** Plans whose volumes are stored as f16: what is, what is not, and slab by slab the same bits as at once. */
import { describe, expect, it, vi } from 'vitest'
import { UserError } from '../../src/errors.js'
import { accumulate } from '../../src/graph/accumulate.js'
import { gradients } from '../../src/graph/gradients.js'
import { compile, type CompileOptions } from '../../src/plan/compile.js'
import type { Precision } from '../../src/plan/storage.js'
import { input, type Value } from '../../src/graph/value.js'
import * as ops from '../../src/ops/index.js'
import { createModel } from '../../src/sae/model.js'
import { saeObjective } from '../../src/sae/training/objective.js'
import { evaluate, needHalves, useGpu } from '../gpu.js'
import { drawFrom, expectSameBits } from '../ops/check.js'
import { fromArray, mulberry32, relativeError, type NdArray } from '../reference/nd-array.js'

const device = useGpu()
const draw = drawFrom(16)

describe('a plan stored as f16', () => {
  it('is refused by a device that has no f16', async () => {
    const { features } = device.gpu.device
    const replace = (value: unknown) =>
      Object.defineProperty(device.gpu.device, 'features', { value, configurable: true })
    replace(new Set())
    try {
      const failure = compile(device.gpu, {
        outputs: [ops.relu(input('x', [1, 1, 2, 2, 2]))],
        storage: 'f16',
      })
      await expect(failure).rejects.toThrow(UserError)
      await expect(failure).rejects.toThrow(`${device.gpu.adapter.name} cannot store f16`)
    } finally {
      replace(features)
    }
  })

  it('takes half the bytes for intermediate volumes', async (context) => {
    needHalves(device.gpu, context)
    const x = input('x', [1, 8, 16, 16, 16])
    const outputs = [ops.argmax(ops.softmax(accumulate(x, x)))]
    const bytes = async (storage: Precision) => {
      const plan = await compile(device.gpu, { outputs, storage })
      plan.dispose()
      return plan.bytes
    }
    expect((await bytes('f16')) - x.bytes).toBeLessThan(0.55 * ((await bytes('f32')) - x.bytes))
  })

  it('keeps the range of f32 if a value needs it', async (context) => {
    needHalves(device.gpu, context)
    const x = draw([1, 3, 4, 4, 4])
    const prior = draw([1, 3, 4, 4, 4])
    const both = ['f32', 'f16'] as const
    const [full, half] = await Promise.all(
      both.map((storage) =>
        evaluate(
          device.gpu,
          { x, prior },
          (v) => ({ y: accumulate(ops.supportMask(v.x!, v.prior!, 0), v.x!) }),
          [],
          { storage },
        ),
      ),
    )
    expectSameBits(half!.y, full!.y, 'y')
  })
})

/** How many losses `step` begins with. */
const losses = 4

function joined(arrays: readonly NdArray[]): NdArray {
  const numbers = arrays.flatMap(({ data }) => [...data])
  return fromArray([numbers.length], numbers)
}

/** A training step of SAE: its losses, the segmentation, and the gradients of every parameter. */
function step(
  [batch, ...extents]: readonly [number, number, number, number],
  neighbourhood: number,
): Value[] {
  const model = createModel({ classes: 5, widths: [2, 3, 4], instanceNorm: false })
  const { loss, klLoss, squaredError, mrfLoss, segmentation } = saeObjective(
    model,
    input('scan', [batch, 1, ...extents]),
    input('noise counter', [2], { dtype: 'u32' }),
    { beta: 0.1, neighbourhood, temperature: 2 / 3 },
  )
  return [loss, klLoss, squaredError, mrfLoss!, segmentation, ...gradients(loss, model.parameters)]
}

async function run(outputs: readonly Value[], options: Omit<CompileOptions, 'outputs'>): Promise<NdArray[]> {
  const plan = await compile(device.gpu, { outputs, ...options })
  try {
    for (const value of plan.inputs) {
      // The order of inputs depends on the schedule.
      const random = mulberry32(value.name.length)
      const numbers = Float32Array.from({ length: value.size }, () => random() + 0.01)
      plan.write(value, value.dtype === 'u32' ? Uint32Array.of(3, 4) : numbers)
    }
    await plan.run()
    const results: NdArray[] = []
    for (const value of outputs) {
      const data = value.dtype === 'u32' ? await plan.readUint(value) : await plan.read(value)
      results.push(fromArray([...value.shape], data))
    }
    return results
  } finally {
    plan.dispose()
  }
}

describe('a step stored as f16', () => {
  it.for([
    ['an even volume', [1, 48, 16, 16], 3],
    ['a padded volume with odd planes', [1, 37, 11, 13], 3],
    ['a batch', [2, 21, 9, 14], 3],
    ['a wide neighbourhood', [1, 43, 8, 10], 11],
    ['a neighbourhood whose sums are f32', [1, 43, 8, 10], 15],
  ] as const)('gives the same bits slab by slab: %s', async ([, shape, neighbourhood], context) => {
    needHalves(device.gpu, context)
    const outputs = step(shape, neighbourhood)
    const whole = await run(outputs, { storage: 'f16' })
    const get = vi.spyOn(device.gpu.pipelines, 'get')
    for (const slabPlanes of [8, 13]) {
      const swept = await run(outputs, { storage: 'f16', slabPlanes })
      swept.forEach((array, i) => {
        expectSameBits(array, whole[i]!, outputs[i]!.name)
      })
    }
    const moves = get.mock.calls.filter(([{ shader }]) => shader.name === 'elementwise/move')
    expect(moves.some(([{ half }]) => half?.length === 2)).toBe(true)
    get.mockRestore()

    const full = await run(outputs, {})
    for (let i = 0; i < losses; i++) {
      expect(relativeError(whole[i]!, full[i]!), outputs[i]!.name).toBeLessThan(1e-4)
    }
    // All together: a layer's gradient may be little but the choices of a max-pooling, which rounding can change.
    const gradientsOf = (results: readonly NdArray[]) => joined(results.slice(losses + 1))
    expect(relativeError(gradientsOf(whole), gradientsOf(full))).toBeLessThan(2e-3)
  })
})
