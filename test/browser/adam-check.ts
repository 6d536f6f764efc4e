/** Adam beside its float64 reference. Isomorphic. */
import { compile } from '../../src/plan/compile.js'
import { input, parameter } from '../../src/graph/value.js'
import { Variables } from '../../src/plan/variables.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { Adam } from '../../src/optim/index.js'
import { adamStep, clipGradients, initialState } from '../reference/adam.js'
import { map, mulberry32, relativeError, uniform, type NdArray } from '../reference/nd-array.js'
import type { Row } from './checks.js'

/** Three steps with weight decay and clipping; a row for each parameter. */
export async function checkAdam(gpu: Gpu): Promise<Row[]> {
  const random = mulberry32(7)
  const draw = (shape: readonly number[]): NdArray => map(uniform(shape, random), Math.fround)
  const shapes = [[37], [3, 5, 1, 3, 3], [1]]
  let states = shapes.map((shape) => initialState(draw(shape)))
  const parameters = states.map(({ parameter: p }, i) =>
    parameter(`p${i}`, p.shape, Float32Array.from(p.data)),
  )
  const inputs = shapes.map((shape, i) => input(`g${i}`, shape, { layout: 'flat' }))
  const options = { learningRate: 0.01, weightDecay: 0.1 }
  const adam = new Adam(parameters, { ...options, maxNorm: 0.5 })
  const variables = new Variables(gpu)
  const plan = await compile(gpu, { outputs: [], effects: adam.update(inputs), variables })
  try {
    for (let step = 1; step <= 3; step++) {
      const grads = shapes.map(draw)
      grads.forEach(({ data }, i) => {
        plan.write(inputs[i]!, Float32Array.from(data))
      })
      plan.write(adam.schedule, adam.scheduleAt(step))
      await plan.run()
      const clipped = clipGradients(grads, 0.5).gradients
      states = states.map((state, i) => adamStep(state, clipped[i]!, options))
    }
    const read = await Promise.all(parameters.map((value) => variables.read(value)))
    return read.map((data, i) => ({
      name: `adam, three steps: parameter [${shapes[i]!.join(', ')}]`,
      error: relativeError(data, states[i]!.parameter.data),
      tolerance: 1e-6,
    }))
  } finally {
    plan.dispose()
    variables.dispose()
  }
}
