import type { AdapterSummary, Precision, RecipeName, TrainingProgress } from 'sae-webgpu'

/** Phantoms to make. */
export interface PhantomRecipe {
  /** D, H, W, each at least 16. */
  readonly shape: readonly [number, number, number]
  readonly subjects: number
  readonly seed: number
}

/** The meaning of a label map's values, if the prior is made from one. */
export type LabelMeaning = 'freesurfer' | 'numbered'

/** Whether scans show one person each, or all of them the same, in another contrast each. */
export type Grouping = 'people' | 'contrasts'

/** Files that the visitor chose; the worker reads them. */
export interface ChosenFiles {
  readonly scans: readonly File[]
  readonly grouping: Grouping
  /** Without one, scans are only shown. */
  readonly prior: File | undefined
  /** One for each person, in order of name, or none. */
  readonly truths: readonly File[]
  /** A table of classes (.json, .tsv), which overrides `meaning`. */
  readonly table: File | undefined
  readonly meaning: LabelMeaning
  /** Blur of a prior made from a label map: its standard deviation in millimetres, or voxels if the map has no size. */
  readonly blur: number
}

/** What scans are segmented with, and learn from. */
export type KnowledgeFiles = Pick<ChosenFiles, 'prior' | 'table'>

/** What a file is, by its name, its header and its voxels. */
export type FileKind = 'scan' | 'labels' | 'prior' | 'weights' | 'table'

/** A file that was recognised, or one line that says why not. */
export type SortedFile =
  | {
      readonly name: string
      readonly kind: FileKind
      /** Of a scan that has several. */
      readonly contrasts?: number
    }
  | { readonly name: string; readonly fault: string }

/** A summary of the data, for the page. */
export interface DataSummary {
  readonly description: string
  readonly scans: readonly ScanSummary[]
  readonly scored: boolean
  /** Empty if there is no prior: the scans can only be looked at. */
  readonly classes: readonly ClassSummary[]
  /** Mean Dice of the prior's most probable classes, if there is a reference. */
  readonly priorDice: number | undefined
  /** Oddities of the files, one line each. */
  readonly notes: readonly string[]
  /** What becomes of the weights that there were before, in one line. */
  readonly weights?: { readonly inUse: boolean; readonly line: string }
}

export interface ScanSummary {
  readonly name: string
  /** The names of its contrasts, in the order of the network's channels: one at least. */
  readonly contrasts: readonly string[]
}

export interface ClassSummary {
  readonly name: string
  /** The value of this class in a segmentation file. */
  readonly code: number
  /** `rgb(...)` */
  readonly colour: string
}

/** `small` learns phantoms in minutes. */
export type Network = 'recipe' | 'small'

/** Bounds of what the device is asked for, in segmenting and in learning. */
export interface DeviceSettings {
  /** In bytes. */
  readonly memoryLimit: number | undefined
  readonly precision: Precision
}

export interface RunSettings extends DeviceSettings {
  readonly recipe: RecipeName
  readonly network: Network
  /** 0 to start training from the current weights. */
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

/** Results of an epoch, or of the finished part of the current one. */
export interface HistoryPoint {
  readonly stage: Stage
  /** Counted from 1 within its stage. */
  readonly epoch: number
  /** Cross-entropy while pretraining; while training, the loss at the noise level that fits the epoch best. */
  readonly loss: number
  /** Mean over steps and foreground classes, if there are references. */
  readonly dice: number | undefined
}

/** Progress of a run. */
export interface RunState {
  readonly settings: RunSettings
  readonly stage: Stage
  /** Complete epochs of the stage. */
  readonly epoch: number
  readonly history: readonly HistoryPoint[]
  /** The state of training. */
  readonly progress: TrainingProgress | undefined
}

/** A run saved in this browser. */
export interface SavedRun {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly state: RunState
  /** Milliseconds since 1970. */
  readonly saved: number
}

export type Layer = 'none' | 'prior' | 'posterior' | 'segmentation' | 'reference'

/** An image as a NIfTI file, or any file to save. */
export interface ImageFile {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** An image to show over a scan. */
export interface Overlay {
  readonly image: ImageFile
  /** Labels are class codes, probabilities are in 0..1. */
  readonly kind: 'labels' | 'probability'
  /** Dice by class, if this is a segmentation of a scan with a reference. */
  readonly dice: readonly number[] | undefined
}

/** Weights that were loaded. */
export interface OpenedWeights {
  /** What they are. */
  readonly what: string
  /** The data, whose classes the weights may have named. */
  readonly data: DataSummary
}

/** A run that can go on. */
export interface RestoredRun {
  readonly data: DataSummary
  readonly state: RunState
  /** For the scans that are opened next. */
  readonly files: KnowledgeFiles
}

/** The calls that the page can make to the worker. */
export interface Calls {
  /** Opens the graphics device. */
  open(): Promise<Device>
  /** The runs that are saved in this browser, the latest first. */
  savedRuns(): Promise<readonly SavedRun[]>
  /** Restores data, weights and state of a run. */
  restore(id: string): Promise<RestoredRun>
  rename(id: string, name: string): Promise<void>
  forget(id: string): Promise<void>
  makePhantoms(recipe: PhantomRecipe): Promise<DataSummary>
  /** Says what files are. */
  sortFiles(files: readonly File[]): Promise<readonly SortedFile[]>
  /** @param keepWeights whether to segment with the weights of the data before, if they fit */
  readFiles(files: ChosenFiles, keepWeights: boolean): Promise<DataSummary>
  /** Brings the contrasts of all scans into another order. @param order positions in the present one */
  arrange(order: readonly number[], keepWeights: boolean): Promise<DataSummary>
  /** Reads the sample that comes with the page. */
  openSample(): Promise<DataSummary>
  /** Loads weights; those of the sample without a file. */
  loadWeights(file: File | undefined): Promise<OpenedWeights>
  /** Bounds the segmentations that follow, and runs that are resumed. */
  setDevice(device: DeviceSettings): Promise<void>
  /** Runs to the end or until `stop`: a new run if `settings` are given, else resumes the current one. */
  train(settings: RunSettings | undefined): Promise<'done' | 'stopped'>
  setPaused(paused: boolean): Promise<void>
  stop(): Promise<void>
  scan(index: number, contrast: number): Promise<ImageFile>
  /** @param channel class whose probability to return */
  overlay(scan: number, layer: Layer, channel: number): Promise<Overlay | undefined>
  saveSegmentation(scan: number): Promise<ImageFile>
  saveReport(scan: number): Promise<ImageFile>
  saveWeights(): Promise<ImageFile>
}

/** Events that the worker sends. */
export type EngineEvent =
  | { readonly type: 'status'; readonly text: string }
  | {
      readonly type: 'progress'
      readonly stage: Stage
      readonly epochs: number
      readonly point: HistoryPoint
      readonly secondsLeft: number
    }
  /** What precedes the stages of a run: fitting mixtures, fitting the decoder. */
  | { readonly type: 'preparing'; readonly text: string; readonly share: number }
  /** A segmentation is under way; undefined when it is there. */
  | { readonly type: 'segmenting'; readonly text: string | undefined }
  /** New weights: segmentations changed. */
  | { readonly type: 'updated' }
  /** The list of saved runs changed. */
  | { readonly type: 'saved' }
  | { readonly type: 'notSaved'; readonly reason: string }
  | { readonly type: 'lost'; readonly reason: string }

/** The graphics device. */
export interface Device extends AdapterSummary {
  /** Whether it can store volumes as half floats. */
  readonly storesHalf: boolean
}

export interface CallMessage {
  readonly id: number
  readonly name: keyof Calls
  readonly args: readonly unknown[]
}

export type WorkerMessage =
  | { readonly type: 'event'; readonly event: EngineEvent }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly message: string }
