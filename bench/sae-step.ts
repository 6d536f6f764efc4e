import { input, type Value } from '../src/graph/value.js'
import { Adam } from '../src/optim/index.js'
import type { CompileOptions } from '../src/plan/compile.js'
import { createModel } from '../src/sae/model.js'
import { saeObjective, type Objective } from '../src/sae/training/objective.js'
import { recipes, type RecipeName } from '../src/sae/recipes.js'

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

/**
 * A training step on volumes of these extents. The default recipe divides two of the classes into parts, and its target is the
 * posterior of a mixture.
 */
export function saeStep(extents: readonly [number, number, number], name: RecipeName = 'paper'): SaeStep {
  const { architecture, mixture } = recipes[name]
  const { parts, components } = mixture
  const counts = [...Array<number>(2 * parts).fill(1), ...Array<number>(classes - 2).fill(components)]
  const model = createModel(architecture(name === 'default' ? counts.length : classes))
  const adam = new Adam(model.parameters)
  const counter = input('noise counter', [2], { dtype: 'u32' })
  const objective = saeObjective(model, input('scan', [1, 1, ...extents]), counter, {
    beta: 0.01,
    neighbourhood: 3,
    temperature: 2 / 3,
    ...(name === 'default' ? { mixture: { components: counts, biased: true } } : {}),
  })
  const request = { outputs: [], report: [objective.loss], effects: adam.minimise(objective.loss) }
  return { objective, counter, adam, request }
}

/** `80x96x112` as three numbers. */
export function extentsOf(size: string): [number, number, number] {
  return size.split('x').map(Number) as [number, number, number]
}
