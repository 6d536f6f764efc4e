import type { Volume } from '../../io/volume.js'
import type { VoxelType } from '../../io/voxel-type.js'

/** A scan on its way through the steps. */
export interface Stage {
  readonly scan: Volume
  /** As the file holds it. */
  readonly original: Volume
  /** 1 in the brain, on the grid of `scan`; undefined until the scan is stripped. */
  readonly mask: Uint8Array | undefined
  /** What BIDS calls this kind of scan: `T1w`. */
  readonly suffix: string
}

/** A volume or a text to be written. */
export type OutputFile = {
  /** What follows the name of the scan; one of `endingsOf` of the steps. */
  readonly ending: string
} & ({ readonly volume: Volume; readonly type: VoxelType } | { readonly text: string })

/** What a step made of a scan. */
export interface Made extends Pick<Stage, 'scan' | 'mask'> {
  readonly files: readonly OutputFile[]
  /** One line for the user. */
  readonly report: string
  /** For `run.json`. */
  readonly figures: Readonly<Record<string, number>>
}
