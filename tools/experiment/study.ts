import type { Architecture } from '../../src/sae/model.js'
import type { EmSettings } from '../../src/sae/mixture/em-settings.js'
import type { MrfPotential } from '../../src/sae/prior/mrf-table.js'
import type { Recipe, RecipeName } from '../../src/sae/recipes.js'
import type { SpatialShape } from '../../src/sae/shape.js'
import type { PretrainingSettings, TrainingSettings } from '../../src/sae/settings.js'
import type { AcquisitionOptions } from '../../src/sae/synth/acquisition.js'
import type { DeformationOptions } from '../../src/sae/synth/deformation.js'
import type { Intensities } from '../../src/sae/intensity.js'
import type { Contrast } from '../../src/sae/synth/intensities.js'

/** A study: it runs every method on every cohort, with every prior of the cohort and every seed. */
export interface Study {
  readonly title: string
  /** The question that the study answers, in one paragraph. */
  readonly question: string
  readonly anatomies: PhantomSource | MapSource
  readonly cohorts: Readonly<Record<string, CohortDescription>>
  /** Whether the subjects of all cohorts are summarised together, as those of the folds of a cross-validation are. */
  readonly pool?: boolean
  readonly methods: Readonly<Record<string, MethodDescription>>
  /** Seeds of initial weights, order of scans and noise. A deterministic method runs with the first only. */
  readonly seeds: readonly number[]
  /** Methods to compare over subjects: METHOD with every prior, or METHOD@PRIOR. */
  readonly pairs?: readonly (readonly [string, string])[]
}

/** Phantoms of one family, named `phantom-1` to `phantom-COUNT`. */
export interface PhantomSource {
  readonly kind: 'phantoms'
  readonly shape: SpatialShape
  readonly count: number
  readonly seed: number
  readonly variability?: number
  readonly noise?: number
}

/** Label maps with FreeSurfer codes, named by their path in the data folder. */
export interface MapSource {
  readonly kind: 'maps'
  /** All other label maps are aligned to the grid of this one, by the centroids of their structures. */
  readonly reference: string
  /** How to make scans from the maps that are subjects. */
  readonly scans?: SynthesisDescription
}

/** How synthetic scans are made. */
export interface SynthesisDescription extends DeformationOptions, AcquisitionOptions {
  /** One contrast, or those of the channels of each scan, which share their anatomy and nothing else. */
  readonly contrast: Contrast | readonly Contrast[]
  /** Largest change of each region's mean, as a share of the range of all means. */
  readonly jitter?: number
  readonly seed: number
}

export interface CohortDescription {
  /** Every n-th voxel of the reference's grid along each axis. Default 1. */
  readonly every?: number
  /** The segmented subjects: an anatomy to make a scan from, or a scan and its truth. */
  readonly subjects: readonly SubjectDescription[]
  readonly priors: Readonly<Record<string, PriorDescription>>
  /** Override the seeds of the study. */
  readonly seeds?: readonly number[]
  /** Anatomies that a supervised network learns from; none of them may be a subject. */
  readonly training?: readonly string[]
}

export type SubjectDescription = string | ScanDescription

export interface ScanDescription {
  readonly scan: string
  readonly truth: string
  /** How the scan is scaled, as its networks expect. Default robust. */
  readonly intensities?: Intensities
}

export interface PriorDescription {
  /** One anatomy or several, whose blurred label maps are averaged; none of them may be a subject. */
  readonly maps: readonly string[]
  /** Standard deviation of the Gaussian, in millimetres. */
  readonly blur: number
  /** Probabilities below this become 0. Default 0. */
  readonly floor?: number
}

export type MethodDescription =
  PriorMethod | EmMethod | SaeMethod | SupervisedMethod | WeightsMethod | AdaptMethod

/** The most probable class of the prior. */
interface PriorMethod {
  readonly kind: 'prior'
}

/** What a method sees of synthetic scans of several contrasts. */
interface Seeing {
  /** These contrasts alone, as channels in this order. Default: all. */
  readonly contrasts?: readonly Contrast[]
}

/** Expectation maximisation of a Gaussian mixture, scan by scan. */
export interface EmMethod extends Partial<EmSettings>, Seeing {
  readonly kind: 'em'
  readonly posterior?: PosteriorPrior
}

/** The posterior of given weights under the cohort's prior, blurred: a prior of its own for each subject. */
export interface PosteriorPrior {
  readonly file: string
  /** Standard deviation in millimetres. */
  readonly blur: number
}

/** Overrides of a stage's settings; 0 steps skip the stage. */
export type StageOverrides<Settings> = Partial<Settings> & { readonly steps?: number }

/** A recipe with overrides. */
export interface SaeMethod extends Seeing {
  readonly kind: 'sae'
  readonly recipe: RecipeName
  readonly architecture?: Partial<Architecture>
  readonly mixture?: Partial<Recipe['mixture']>
  readonly pretraining?: StageOverrides<PretrainingSettings>
  readonly training?: StageOverrides<TrainingSettings>
  readonly refinement?: Refinement
  /** Epochs between scores; without it, only the result is scored. */
  readonly score?: number
}

/** Mean-field iterations after the network. */
export interface Refinement {
  readonly rounds: number
  readonly beta?: number
  readonly potential?: MrfPotential
  readonly neighbourhood?: number
}

/** The same network, trained with the truth of synthetic scans of the cohort's `training` anatomies. */
export interface SupervisedMethod extends Seeing {
  readonly kind: 'supervised'
  /** Number of synthetic scans to learn from. */
  readonly scans: number
  readonly steps: number
  readonly learningRate?: number
}

/** Weights used without further training, by their path in the data folder. */
export interface WeightsMethod {
  readonly kind: 'weights'
  readonly file: string
  readonly refinement?: Refinement
}

/** Weights that are trained further on the subjects themselves. */
export interface AdaptMethod {
  readonly kind: 'adapt'
  readonly recipe: RecipeName
  readonly file: string
  readonly training: StageOverrides<TrainingSettings> & { readonly steps: number }
  readonly posterior?: PosteriorPrior
  readonly refinement?: Refinement
  readonly score?: number
}

/** A study of another study's logs: which criterion picks the best epoch. */
export interface SelectionStudy {
  readonly title: string
  readonly question: string
  /** The study whose logs are used. */
  readonly selectionFrom: string
}
