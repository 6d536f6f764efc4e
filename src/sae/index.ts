export * from './assessment/index.js'
export { type TrainingScan } from './batches.js'
export { checkpointInfo, saveCheckpoint, type CheckpointFile, type CheckpointInfo } from './checkpoint.js'
export { diceScores, meanDice } from './dice.js'
export { ExpectationMaximisation, type EmIteration, type EmResult } from './em.js'
export { defaultEm, type EmOptions, type EmSettings } from './em-settings.js'
export { type GaussianComponent, type GaussianMixture } from './gaussian-mixture.js'
export {
  freeSurferTable,
  foregroundClasses,
  identityTable,
  toClasses,
  toCodes,
  type LabelClass,
  type LabelTable,
} from './label-table.js'
export { type RunOptions } from './in-turn.js'
export {
  createModel,
  defaultArchitecture,
  loadTensors,
  type Architecture,
  type Model,
  type NamedTensor,
} from './model.js'
export { logMrfTable, mrfTable, pointwiseMrfTable } from './mrf-table.js'
export { saeObjective, type Objective, type ObjectiveOptions } from './objective.js'
export {
  makePhantom,
  phantomTable,
  type Phantom,
  type PhantomOptions,
  type PhantomSubject,
} from './phantom/phantom.js'
export { type MemoryOptions, type Preparation } from './plan-by-batch.js'
export { Pretrainer, type PretrainingStep } from './pretrainer.js'
export { Plateau, plateauOf, type PlateauOptions, type PlateauState } from './plateau.js'
export { checkPrior, normalisePrior, priorArgmax, priorFromLabels, type PriorOptions } from './prior.js'
export { mrfTableOf, type MrfPotential, type Prior } from './prior-volume.js'
export { profiledLoss, type EpochTerms } from './selection.js'
export type { SpatialShape } from './separable.js'
export { Segmenter, type Segmentation, type SegmentationOptions } from './segmenter.js'
export {
  defaultPretraining,
  defaultTraining,
  type OptimiserSettings,
  type TrainingSettings,
} from './settings.js'
export { Trainer, type TrainingProgress, type TrainingStep } from './trainer.js'
