import type { LabelTable } from '../../src/sae/label-table.js'
import type { SpatialShape } from '../../src/sae/separable-filter.js'
import type { SubjectDescription } from './study.js'

/** A scan with its truth. It can be given to a trainer as it is. */
export interface Subject {
  readonly name: string
  /** Intensities in 0..1, [D, H, W]. */
  readonly data: Float32Array
  /** Classes, [D, H, W]. */
  readonly truth: Uint8Array
}

/** Where the label maps and scans of a cohort come from, all on one grid. */
export interface Anatomies {
  readonly table: LabelTable
  readonly shape: SpatialShape
  /** Voxel size in millimetres. */
  readonly spacing: number
  /** The classes of an anatomy, as a prior is made of, [D, H, W]. @throws UserError if it is not there */
  labels(name: string): Promise<Uint8Array>
  /** The scan of a subject. @throws UserError if it is not there */
  subject(description: SubjectDescription): Promise<Subject>
  /** Synthetic scans that take those anatomies in turn. */
  training(names: readonly string[], count: number): Promise<Subject[]>
}
