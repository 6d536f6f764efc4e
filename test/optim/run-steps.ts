import { compile } from '../../src/plan/compile.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import { Variables } from '../../src/plan/variables.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import type { Optimiser } from '../../src/optim/index.js'
import { map, mulberry32, uniform, type NdArray } from '../reference/nd-array.js'

/** Shapes of the parameters of every check: a prime, a convolution's weight, one number. */
const shapes = [[37], [3, 5, 1, 3, 3], [1]] as const

/** What an optimiser made of its parameters. */
interface Steps {
  readonly start: NdArray[]
  /** Gradients of every step, of every parameter. */
  readonly gradients: NdArray[][]
  /** Contents of the parameters and of the optimiser's state, by name. */
  readonly final: Readonly<Record<string, Float32Array>>
}

/** Takes steps with random gradients on the device. */
export async function runSteps(
  gpu: Gpu,
  make: (parameters: Value[]) => Optimiser,
  steps = 5,
): Promise<Steps> {
  const random = mulberry32(7)
  // Single precision from the start, so that only the arithmetic differs.
  const draw = () => shapes.map((shape) => map(uniform(shape, random), Math.fround))
  const start = draw()
  const parameters = start.map(({ shape, data }, i) => parameter(`p${i}`, shape, Float32Array.from(data)))
  const grads = shapes.map((shape, i) => input(`g${i}`, shape, { layout: 'flat' }))
  const optimiser = make(parameters)
  const variables = new Variables(gpu)
  const plan = await compile(gpu, { outputs: [], effects: optimiser.update(grads), variables })
  const gradients: NdArray[][] = []
  for (let step = 1; step <= steps; step++) {
    const drawn = draw()
    gradients.push(drawn)
    drawn.forEach(({ data }, i) => {
      plan.write(grads[i]!, Float32Array.from(data))
    })
    plan.write(optimiser.schedule, optimiser.scheduleAt(step))
    await plan.run()
  }
  const final: Record<string, Float32Array> = {}
  for (const value of [...parameters, ...optimiser.state]) final[value.name] = await variables.read(value)
  plan.dispose()
  variables.dispose()
  return { start, gradients, final }
}
