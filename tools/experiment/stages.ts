import type { LabelTable } from '../../src/sae/labels/label-table.js'
import type { Architecture } from '../../src/sae/model.js'
import { epochsOf, type Recipe, type Stage } from '../../src/sae/recipes.js'
import type { PretrainingSettings, TrainingSettings } from '../../src/sae/settings.js'
import type { SaeMethod, StageOverrides } from './study.js'

/** A recipe for a given number of classes, with the study's overrides. */
export interface ResolvedRecipe {
  readonly architecture: Architecture
  readonly table: LabelTable
  readonly mixture: Recipe['mixture']
  readonly pretraining: Stage<PretrainingSettings>
  readonly training: Stage<TrainingSettings>
}

/** A study's overrides of a recipe. */
type RecipeOverrides = Pick<SaeMethod, 'architecture' | 'mixture' | 'pretraining' | 'training'>

export function resolveRecipe(
  recipe: Recipe,
  table: LabelTable,
  { architecture, mixture, pretraining, training }: RecipeOverrides,
): ResolvedRecipe {
  return {
    architecture: { ...recipe.architecture(table.classes.length), ...architecture },
    table,
    mixture: { ...recipe.mixture, ...mixture },
    pretraining: overridden(recipe.pretraining, pretraining),
    training: overridden(recipe.training, training),
  }
}

export function overridden<Settings>(
  stage: Stage<Settings>,
  { steps, ...settings }: StageOverrides<Settings> = {},
): Stage<Settings> {
  const length = steps ?? stage.steps
  return {
    settings: { ...stage.settings, ...(settings as Partial<Settings>) },
    ...(length === undefined ? {} : { steps: length }),
  }
}

/** The settings of a stage for a given number of scans; undefined if it has no steps. */
export function settingsFor<
  Settings extends { readonly epochs: number; readonly batchSize: number; readonly seed: number },
>({ settings, steps }: Stage<Settings>, scans: number, seed: number): Settings | undefined {
  if (steps === 0) return undefined
  const epochs = steps === undefined ? settings.epochs : epochsOf(steps, scans, settings.batchSize)
  return { ...settings, epochs, seed }
}
