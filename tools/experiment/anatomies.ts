import type { LabelTable } from '../../src/sae/labels/label-table.js'
import type { SpatialShape } from '../../src/sae/shape.js'
import type { Contrast } from '../../src/sae/synth/intensities.js'
import type { SubjectDescription } from './study.js'

/** A scan with its truth, in the form that a trainer takes. */
export interface Subject {
  readonly name: string
  /** Intensities in 0..1, [C, D, H, W]. */
  readonly data: Float32Array
  /** Classes, [D, H, W]. */
  readonly truth: Uint8Array
}

/** C of a scan. */
export const channelsOfScan = ({ data, truth }: Subject): number => data.length / truth.length

/** The source of a cohort's label maps and scans, all on one grid. */
export interface Anatomies {
  readonly table: LabelTable
  readonly shape: SpatialShape
  /** Voxel size in millimetres. */
  readonly spacing: number
  /** What the channels of its synthetic scans show; empty if no contrast is named. */
  readonly contrasts: readonly Contrast[]
  /** The classes of an anatomy, for making a prior, [D, H, W]. @throws UserError if it does not exist */
  labels(name: string): Promise<Uint8Array>
  /** The scan of a subject. @throws UserError if it does not exist */
  subject(description: SubjectDescription): Promise<Subject>
  /** Synthetic scans, of these anatomies in turn. */
  training(names: readonly string[], count: number): Promise<Subject[]>
}
