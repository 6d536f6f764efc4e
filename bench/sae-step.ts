import { input, type Value } from '../src/graph/value.js'
import { Adam } from '../src/optim/index.js'
import type { CompileOptions } from '../src/plan/compile.js'
import { createModel, defaultArchitecture } from '../src/sae/model.js'
import { saeObjective, type Objective } from '../src/sae/objective.js'

/** Classes of the step that is measured. */
export const classes = 14

/** The graph of a whole SAE training step: forward, backward, Adam, MRF. */
interface SaeStep {
  readonly objective: Objective
  /** Seed and step of the noise, an input. */
  readonly counter: Value
  readonly adam: Adam
  /** What to compile. */
  readonly request: CompileOptions
}

/** A training step of the default model on volumes of these extents. */
export function saeStep(extents: readonly [number, number, number]): SaeStep {
  const model = createModel(defaultArchitecture(classes))
  const adam = new Adam(model.parameters)
  const counter = input('noise counter', [2], { dtype: 'u32' })
  const objective = saeObjective(model, input('scan', [1, 1, ...extents]), counter, {
    beta: 0.01,
    neighbourhood: 3,
    temperature: 2 / 3,
  })
  const request = { outputs: [], report: [objective.loss], effects: adam.minimise(objective.loss) }
  return { objective, counter, adam, request }
}

/** `80x96x112` as three numbers. */
export function extentsOf(size: string): [number, number, number] {
  return size.split('x').map(Number) as [number, number, number]
}
