import { basename } from 'node:path'
import type { DerivedFrom } from '../cohort/bids-sidecars.js'

/** Whether a file that ends so has a sidecar in a BIDS derivative: scans and masks do. */
export const hasSidecar = (ending: string): boolean => /_(?!biasfield)[a-zA-Z0-9]+\.nii\.gz$/.test(ending)

/** The ending of the sidecar of a volume. */
export const sidecarEnding = (ending: string): string => ending.replace(/\.nii\.gz$/, '.json')

/**
 * What BIDS wants to be told of a prepared scan or its mask (derivatives, "Preprocessed or cleaned data", "Masks").
 *
 * @param ending the file's, after the name of the scan
 * @param strips whether this run takes the skull away; if not, the scan had none
 * @param target the scan onto which others are brought
 */
export function sidecarOf(
  ending: string,
  { source }: DerivedFrom,
  strips: boolean,
  target: string | undefined,
): string {
  const isMoved = ending.includes('_space-target')
  const content = {
    Sources: [source],
    // Conforming lays out other voxels in the same place.
    SpatialReference: isMoved && target !== undefined ? basename(target) : 'orig',
    ...(ending.includes('_mask')
      ? { Type: 'Brain' }
      : { SkullStripped: !(strips && ending.includes('desc-conform')) }),
  }
  return `${JSON.stringify(content, undefined, 2)}\n`
}
