import { basename } from 'node:path'
import type { LabelTable } from '../../sae/labels/label-table.js'
import { writeOutput } from '../outputs/output-files.js'
import type { Origin } from '../outputs/output-record.js'
import { entityOf } from './bids-names.js'

/** What a file of a BIDS derivative is made from. */
export interface DerivedFrom {
  /** The BIDS URIs of the scan's files. */
  readonly sources: readonly string[]
  /** Results hold every n-th voxel of the scan along each axis. */
  readonly every: number
}

/** What a sidecar says of a segmentation. */
interface Described extends DerivedFrom {
  /** `segment` or `em`. */
  readonly command: string
  readonly table: LabelTable
}

/**
 * Writes the sidecars of a segmentation, `_dseg.json`, and of its probabilities, `_probseg.json`, if there are any.
 *
 * @param stem path of the files, up to `_dseg.nii.gz`
 * @throws UserError if the disk refuses
 */
export async function writeSidecars(
  stem: string,
  { sources, every, command, table }: Described,
  posterior: boolean,
  origin: Origin,
): Promise<void> {
  const method = command === 'em' ? 'expectation maximisation' : 'a Segmentation Auto-Encoder'
  const common = {
    Sources: sources,
    Manual: false,
    // A scan in a template's space has said so by its name.
    ...(entityOf(basename(stem), 'space') === undefined ? { SpatialReference: 'orig' } : {}),
    ...(every > 1 ? { Resolution: `One voxel for every ${every} voxels of the scan along each axis` } : {}),
  }
  const write = async (suffix: string, content: object): Promise<void> => {
    await writeOutput(`${stem}_${suffix}.json`, `${JSON.stringify(content, undefined, 2)}\n`, origin)
  }
  await write('dseg', { Description: `Segmentation of the brain by ${method}`, ...common })
  if (!posterior) return
  const LabelMap = table.classes.map(({ abbreviation }) => abbreviation)
  await write('probseg', { Description: `Probability of each class by ${method}`, ...common, LabelMap })
}
