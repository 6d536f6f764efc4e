import { describe, expect, it } from 'vitest'
import { compile } from '../../src/plan/compile.js'
import { input } from '../../src/graph/value.js'
import { Variables } from '../../src/plan/variables.js'
import {
  batchNormLayer,
  groupNormLayer,
  inTraining,
  instanceNormLayer,
  sequential,
} from '../../src/nn/index.js'
import { useGpu } from '../gpu.js'
import { drawFrom } from '../ops/check.js'
import * as reference from '../reference/batch-norm.js'
import { map, relativeError, zeros } from '../reference/nd-array.js'

const device = useGpu()
const draw = drawFrom(23)

describe('batchNormLayer', () => {
  it('collects statistics while training and uses them afterwards', async () => {
    const shape = [2, 3, 3, 5, 7]
    const layer = batchNormLayer('norm', 3, { momentum: 0.25 })
    expect([...layer.parameters, ...layer.statistics].map(({ name }) => name)).toEqual(
      ['weight', 'bias', 'running_mean', 'running_var'].map((field) => `norm.${field}`),
    )
    const ones = map(zeros([3]), () => 1)
    const variables = new Variables(device.gpu)
    const x = input('x', shape)
    const { result: output, updates } = inTraining(() => layer(x))
    expect(updates).toHaveLength(1)
    const training = await compile(device.gpu, { outputs: [output], effects: updates, variables })
    const evaluated = layer(x)
    expect(updates).toHaveLength(1)
    expect(sequential(layer).statistics).toEqual(layer.statistics)
    const evaluation = await compile(device.gpu, { outputs: [evaluated], variables })
    try {
      let running: reference.Running = { mean: zeros([3]), variance: ones }
      for (let step = 0; step < 3; step++) {
        const batch = draw(shape, -1 - step, 4)
        training.write(x, Float32Array.from(batch.data))
        await training.run()
        expect(
          relativeError(await training.read(output), reference.forward(batch, ones, zeros([3]))),
        ).toBeLessThan(1e-6)
        running = reference.updated(running, batch, 0.25)
      }
      expect(relativeError(await variables.read(layer.running.mean), running.mean)).toBeLessThan(1e-6)
      expect(relativeError(await variables.read(layer.running.variance), running.variance)).toBeLessThan(1e-6)

      const scan = draw(shape)
      evaluation.write(x, Float32Array.from(scan.data))
      await evaluation.run()
      const expected = reference.forwardBy(scan, running, ones, zeros([3]))
      expect(relativeError(await evaluation.read(evaluated), expected)).toBeLessThan(1e-6)
      // Evaluation leaves the statistics as they are.
      expect(relativeError(await variables.read(layer.running.mean), running.mean)).toBeLessThan(1e-6)
    } finally {
      for (const plan of [training, evaluation]) plan.dispose()
      variables.dispose()
    }
  })
})

describe('a layer that normalises', () => {
  it.each([NaN, -1, 0])('refuses an epsilon of %d as it is made', (epsilon) => {
    const message = `norm: epsilon must be a number above 0, not ${epsilon}`
    expect(() => batchNormLayer('norm', 4, { epsilon })).toThrow(message)
    expect(() => instanceNormLayer('norm', 4, { epsilon })).toThrow(message)
    expect(() => groupNormLayer('norm', 2, 4, { epsilon })).toThrow(message)
  })

  it.each([NaN, -0.1, 1.1])('refuses a momentum of %d', (momentum) => {
    expect(() => batchNormLayer('norm', 4, { momentum })).toThrow(
      `norm: momentum must be in 0..1, not ${momentum}`,
    )
  })
})
