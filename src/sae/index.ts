export { type TrainingScan } from './batches.js'
export { checkpointInfo, saveCheckpoint, type CheckpointFile, type CheckpointInfo } from './checkpoint.js'
export { diceScores, meanDice } from './dice.js'
export {
  freeSurferTable,
  foregroundClasses,
  identityTable,
  toClasses,
  toCodes,
  type LabelClass,
  type LabelTable,
} from './label-table.js'
export {
  applyScaling,
  robustScaling,
  scalingFor,
  unitScaling,
  type Intensities,
  type Scaling,
} from './intensity.js'
export { type RunOptions } from './in-turn.js'
export {
  createModel,
  defaultArchitecture,
  loadTensors,
  type Architecture,
  type Model,
  type NamedTensor,
} from './model.js'
export { logMrfTable, mrfTable } from './mrf-table.js'
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
export {
  checkPrior,
  normalisePrior,
  priorArgmax,
  priorFromLabels,
  type Blur,
  type PriorOptions,
} from './prior.js'
export { cropPrior, cropVolume, pasteVolume, supportBox } from './region.js'
export { mrfTableOf, type Prior } from './prior-volume.js'
export type { SpatialShape } from './separable.js'
export { Segmenter, type Segmentation, type SegmentationOptions } from './segmenter.js'
export {
  defaultPretraining,
  defaultTraining,
  type OptimiserSettings,
  type TrainingSettings,
} from './settings.js'
export { Trainer, type TrainingProgress, type TrainingStep } from './trainer.js'
