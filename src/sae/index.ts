export * from './assessment/index.js'
export { type TrainingScan } from './training/batches.js'
export { joinChannels, splitChannels } from './channels.js'
export { checkpointInfo, saveCheckpoint, type CheckpointFile, type CheckpointInfo } from './checkpoint.js'
export { DivergedError } from './training/diverged.js'
export { DecoderFitter, type DecoderStep } from './training/decoder-fitter.js'
export { diceScores, meanDice } from './metrics/dice.js'
export { fitDecoder, type DecoderFitOptions } from './training/fit-decoder.js'
export { fitMixtures, type MixtureFit } from './mixture/fit-mixtures.js'
export type { FinerGrid } from './mixture/bias-field.js'
export { ExpectationMaximisation, type EmIteration, type EmResult } from './mixture/em.js'
export { defaultEm, type EmOptions, type EmSettings } from './mixture/em-settings.js'
export {
  type FittedMixture,
  type GaussianComponent,
  type GaussianMixture,
} from './mixture/gaussian-mixture.js'
export { freeSurferTable } from './labels/freesurfer-table.js'
export { toClasses, toCodes } from './labels/label-codes.js'
export { sidesOf, toSidedCodes, type SidedCodes } from './labels/label-sides.js'
export { foregroundClasses, identityTable, type LabelClass, type LabelTable } from './labels/label-table.js'
export {
  applyScaling,
  robustScaling,
  scalingFor,
  unitScaling,
  type Intensities,
  type Scaling,
} from './intensity.js'
export { type RunOptions } from './training/pipelined-steps.js'
export { type LearnOptions, type StepRecord, type Watch } from './training/learner.js'
export {
  channelsOf,
  createModel,
  defaultArchitecture,
  forChannels,
  loadTensors,
  type Architecture,
  type Model,
  type NamedTensor,
} from './model.js'
export { type MixtureForm, type MixtureTarget } from './mixture/mixture-target.js'
export { type NoiseMode } from './training/noise-level.js'
export { logMrfTable, mrfTable, mrfTableOf, pointwiseMrfTable, type MrfPotential } from './prior/mrf-table.js'
export { saeObjective, type Objective, type ObjectiveOptions } from './training/objective.js'
export {
  makePhantom,
  phantomTable,
  type Phantom,
  type PhantomOptions,
  type PhantomSubject,
} from './phantom/phantom.js'
export { Random } from './phantom/random.js'
export { type MemoryOptions, type Preparation } from './plan-by-batch.js'
export * from './prepare/index.js'
export { Pretrainer, type PretrainingProgress, type PretrainingStep } from './training/pretrainer.js'
export {
  divided,
  dividedByFits,
  mergedProbabilities,
  partCounts,
  partCountsOf,
  withMixtures,
  type Learnable,
} from './prior/parts.js'
export { Plateau, plateauOf, type PlateauOptions, type PlateauState } from './training/plateau.js'
export {
  checkPrior,
  normalisePrior,
  priorArgmax,
  type Part,
  type Prior,
  type PriorLayout,
} from './prior/prior.js'
export { priorFromLabels, type Blur, type PriorOptions } from './prior/prior-from-labels.js'
export {
  emOf,
  epochsOf,
  recipes,
  type MixtureSettings,
  type Recipe,
  type RecipeName,
  type Stage,
} from './recipes.js'
export { cropPrior, cropVolume, pasteVolume, supportBox } from './prior/region.js'
export { resampleImages, type Outside } from './resampling/image.js'
export { resampleLabels } from './resampling/labels.js'
export { mostProbable, resamplePosterior } from './resampling/posterior.js'
export { reaches, voxelMap, type Placement4 } from './resampling/voxel-map.js'
export { profiledLoss, type EpochTerms } from './training/selection.js'
export type { SpatialShape } from './shape.js'
export { Segmenter, type Segmentation, type SegmentationOptions } from './segmenter.js'
export {
  defaultPretraining,
  defaultTraining,
  type OptimiserSettings,
  type PretrainingSettings,
  type TrainingSettings,
} from './settings.js'
export { centred, Deformation, type DeformationGrid, type DeformationOptions } from './synth/deformation.js'
export { type Acquisition, type AcquisitionOptions, type Range } from './synth/acquisition.js'
export { type Affine, type AffineRow } from './synth/affine.js'
export { SplineField, SplineGrid } from './spline-field.js'
export {
  checkModel,
  contrastModel,
  jitterMeans,
  type Contrast,
  type IntensityModel,
} from './synth/intensities.js'
export type { Component } from './synth/tissues.js'
export {
  Synthesiser,
  type LabelSource,
  type PriorSource,
  type SyntheticScan,
  type SynthesisOptions,
} from './synth/synthesiser.js'
export { PriorSampler, type PriorSamplingOptions } from './synth/from-prior.js'
export { warpImage, warpLabels, warpPrior, type Warp } from './synth/warp.js'
export {
  Trainer,
  type ChannelError,
  type NoiseEstimate,
  type NoiseEstimates,
  type TrainingProgress,
  type TrainingStep,
} from './training/trainer.js'
export { Validator } from './training/validator.js'
