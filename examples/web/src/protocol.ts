import type { AdapterSummary, TrainingProgress } from 'sae-webgpu'

/** Phantoms to make. */
export interface PhantomRecipe {
  /** D, H, W, each at least 16. */
  readonly shape: readonly [number, number, number]
  readonly subjects: number
  readonly seed: number
}

/** What the values of a label map mean, where a prior is made from one. */
export type LabelMeaning = 'freesurfer' | 'numbered'

/** Files that a visitor chose; they are read in the worker. */
export interface ChosenFiles {
  readonly scans: readonly File[]
  readonly prior: File
  /** One for each scan, in the order of names, or none. */
  readonly truths: readonly File[]
  /** A table of classes (.json, .tsv), which goes before `meaning`. */
  readonly table: File | undefined
  readonly meaning: LabelMeaning
  /** Standard deviation, in voxels, of the blur of a prior made from a label map. */
  readonly blur: number
}

/** The data at hand, as the page shows it. */
export interface DataSummary {
  readonly description: string
  readonly scans: readonly string[]
  readonly scored: boolean
  readonly shape: readonly [number, number, number]
  readonly classes: readonly ClassSummary[]
  /** Mean Dice of the prior's own most probable classes, where there is a reference. */
  readonly priorDice: number | undefined
  /** What is odd about the files, one line each. */
  readonly notes: readonly string[]
}

export interface ClassSummary {
  readonly name: string
  /** What voxels of this class hold in a segmentation. */
  readonly code: number
  /** `rgb(...)` */
  readonly colour: string
}

/** `small` learns phantoms in minutes; `paper` is the network of the publication. */
export type Network = 'small' | 'paper'

export interface RunSettings {
  readonly network: Network
  /** 0: training starts from the weights at hand. */
  readonly pretrainingEpochs: number
  readonly pretrainingRate: number
  readonly trainingEpochs: number
  readonly trainingRate: number
  readonly beta: number
  readonly neighbourhood: number
  readonly batchSize: number
  readonly seed: number
}

export type Stage = 'pretraining' | 'training'

/** An epoch, or the part of it that is done. */
export interface HistoryPoint {
  readonly stage: Stage
  /** Counted from 1 within its stage. */
  readonly epoch: number
  /** Mean over the steps. Cross-entropy while pretraining. */
  readonly loss: number
  /** Mean over steps and foreground classes, where scored. */
  readonly dice: number | undefined
}

/** Progress of a run. */
export interface RunState {
  readonly settings: RunSettings
  readonly stage: Stage
  /** Complete epochs of the stage. */
  readonly epoch: number
  readonly history: readonly HistoryPoint[]
  /** Where training stands. */
  readonly progress: TrainingProgress | undefined
}

/** A run kept in this browser. */
export interface SavedRun {
  readonly description: string
  readonly state: RunState
  /** Milliseconds since 1970. */
  readonly saved: number
}

export type Layer = 'none' | 'prior' | 'posterior' | 'segmentation' | 'reference'

/** An image as a NIfTI file. */
export interface ImageFile {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What the viewer shows over a scan. */
export interface Overlay {
  readonly image: ImageFile
  /** Labels hold the codes of classes, probabilities 0..1. */
  readonly kind: 'labels' | 'probability'
  /** Dice by class where this is a segmentation of a scan with a reference. */
  readonly dice: readonly number[] | undefined
}

/** What the page asks of the worker. */
export interface Calls {
  /** Opens the graphics device. */
  open(): Promise<AdapterSummary>
  /** The run that was kept by an earlier visit. */
  savedRun(): Promise<SavedRun | undefined>
  /** Takes up data, weights and state of that run. */
  restore(): Promise<{ readonly data: DataSummary; readonly state: RunState }>
  forget(): Promise<void>
  makePhantoms(recipe: PhantomRecipe): Promise<DataSummary>
  readFiles(files: ChosenFiles): Promise<DataSummary>
  /** Takes up weights; returns what they are. */
  loadWeights(file: File): Promise<string>
  /** Runs to the end or until `stop`; with `settings` a new run, else on with the one at hand. */
  train(settings: RunSettings | undefined): Promise<'done' | 'stopped'>
  setPaused(paused: boolean): Promise<void>
  stop(): Promise<void>
  scan(index: number): Promise<ImageFile>
  /** @param channel class whose probability is wanted */
  overlay(scan: number, layer: Layer, channel: number): Promise<Overlay | undefined>
  saveSegmentation(scan: number): Promise<ImageFile>
  saveWeights(): Promise<ImageFile>
}

/** What the worker says unasked. */
export type EngineEvent =
  | { readonly type: 'status'; readonly text: string }
  | {
      readonly type: 'progress'
      readonly stage: Stage
      readonly epochs: number
      readonly point: HistoryPoint
      readonly secondsLeft: number
    }
  /** New weights: segmentations changed. */
  | { readonly type: 'updated' }
  | { readonly type: 'notSaved'; readonly reason: string }
  | { readonly type: 'lost'; readonly reason: string }

export interface CallMessage {
  readonly id: number
  readonly name: keyof Calls
  readonly args: readonly unknown[]
}

export type WorkerMessage =
  | { readonly type: 'event'; readonly event: EngineEvent }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly message: string }
