/** Warming up with the help of a second device. */
import { expect, it } from 'vitest'
import { Gpu } from '../../src/gpu/gpu.js'
import { gradients } from '../../src/graph/gradients.js'
import { input } from '../../src/graph/value.js'
import { seededRandom, unet } from '../../src/nn/index.js'
import { dot } from '../../src/ops/index.js'
import { compile } from '../../src/plan/compile.js'
import { openTestGpu, useGpu } from '../gpu.js'

const device = useGpu()

it('compiles half of the kernels on the helper, which is then disposed of, and changes no result', async () => {
  const opened: Gpu[] = []
  const { gpu: alone } = device
  const { device: same, adapter, wait } = alone
  const helped = new Gpu(same, adapter, {
    wait,
    borrowed: true,
    openHelper: async () => {
      opened.push(await openTestGpu())
      return opened.at(-1)!
    },
  })
  const random = seededRandom(1)
  const scan = Float32Array.from({ length: 8 ** 3 }, random)
  const result = async (gpu: Gpu): Promise<Float32Array> => {
    const network = unet({ classes: 3, widths: [2, 4], seed: 1 })
    const x = input('x', [1, 1, 8, 8, 8])
    const logits = network(x)
    const loss = dot(logits, logits)
    const plan = await compile(gpu, {
      outputs: gradients(loss, network.parameters).slice(0, 1),
      report: [loss],
    })
    try {
      await plan.warmUp()
      plan.write(x, scan)
      return (await plan.run())[0]!
    } finally {
      plan.dispose()
    }
  }
  const expected = await result(alone)
  expect(await result(helped)).toEqual(expected)
  expect(expected[0]).toBeGreaterThan(0)
  expect(opened.length).toBe(1)
  const [helper] = opened
  expect(helper!.buffers.count).toBe(0)
  expect(() => {
    helper!.requireAlive('helper')
  }).toThrow('disposed')
  helped.dispose()
})
