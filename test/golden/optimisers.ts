import { compile } from '../../src/plan/compile.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import { Variables } from '../../src/plan/variables.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import type { TensorFile } from '../../src/io/safetensors.js'
import { Adam, AdamW, SGD, type Optimiser } from '../../src/optim/index.js'
import type { GoldenReport } from './report.js'
import { relativeError } from './step.js'

const tolerance = 1e-5

/** The optimisers of `ops_general.safetensors`, with its settings. */
export const optimisers: Readonly<Record<string, (parameters: Value[]) => Optimiser>> = {
  sgd_momentum: (p) => new SGD(p, { learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 }),
  sgd_nesterov: (p) => new SGD(p, { learningRate: 0.1, momentum: 0.9, nesterov: true }),
  adamw: (p) => new AdamW(p, { learningRate: 0.01, weightDecay: 0.05 }),
  adam_amsgrad: (p) => new Adam(p, { learningRate: 0.01, amsgrad: true }),
}

/** Takes the four steps of an optimiser's group; adds one row. Returns false where the group is none of an optimiser. */
export async function checkOptimiser(
  gpu: Gpu,
  report: GoldenReport,
  name: string,
  { tensors }: Pick<TensorFile, 'tensors'>,
): Promise<boolean> {
  const make = optimisers[name]
  if (!make) return false
  const tensor = (field: string) => Float32Array.from(tensors.get(`${name}.${field}`)!.data as Float32Array)
  const initial = tensor('init')
  const weight = parameter(name, [initial.length], initial)
  const grad = input('grad', weight.shape)
  const optimiser = make([weight])
  const variables = new Variables(gpu)
  const plan = await compile(gpu, { outputs: [], effects: optimiser.update([grad]), variables })
  try {
    for (let step = 1; step <= 4; step++) {
      plan.write(grad, tensor(`grad${step - 1}`))
      plan.write(optimiser.schedule, optimiser.scheduleAt(step))
      await plan.run()
    }
    report.add(name, relativeError(await variables.read(weight), tensor('final')), tolerance)
  } finally {
    plan.dispose()
    variables.dispose()
  }
  return true
}
