import { fitLinear } from '../../register/affine-fit.js'
import { doubtOf } from '../../register/describe.js'
import { Pullback } from '../../register/pullback.js'
import { voteLabels } from '../../register/votes.js'
import { robustScaling, applyScaling } from '../../sae/intensity.js'
import { warpImage } from '../../sae/synth/warp.js'
import type { Made, OutputFile, Stage } from './prepare-stage.js'
import { toPlaced, type RegisteredScan } from '../register/registration.js'
import type { Terminal } from '../terminal.js'
import { formatRecord } from '../register/transform-files.js'

/** How the files of the step `register` end. */
export function registerEndings(suffix: string): string[] {
  return [transformEnding(suffix), maskEnding, imageEnding(suffix)]
}

const imageEnding = (suffix: string): string => `_space-target_desc-preproc_${suffix}.nii.gz`
const transformEnding = (suffix: string): string => `_from-${suffix}_to-target_mode-image_xfm.json`
const maskEnding = '_space-target_desc-brain_mask.nii.gz'

/**
 * Brings a scan onto the grid of a target by the affine map of the largest mutual information.
 *
 * @throws UserError if the two have nothing in common
 */
export function registerTo(target: RegisteredScan, { scan, mask, suffix }: Stage, terminal: Terminal): Made {
  const scaling = robustScaling(scan.data)
  const image = { ...toPlaced(scan.grid), data: applyScaling(scan.data, scaling) }
  const fixed = { kind: 'scan', image: target.image } as const
  const names = [target.source, scan.source] as const
  const { map, information } = fitLinear(fixed, image, 'affine', names)
  const doubt = doubtOf(map, names)
  if (doubt !== undefined) terminal.warn(doubt)
  const pullback = new Pullback(image, target.image, { map })
  const moved = { ...scan, data: warpImage(scan.data, pullback, [scaling.low]), grid: target.grid }
  const movedMask = mask && voteLabels(mask, pullback)
  const record = {
    transform: 'affine',
    moving: scan.source,
    fixed: target.source,
    mutualInformation: information,
  }
  const files: OutputFile[] = [{ ending: transformEnding(suffix), text: formatRecord(map, record) }]
  if (movedMask) {
    const volume = { ...moved, data: Float32Array.from(movedMask) }
    files.push({ ending: maskEnding, volume, type: 'uint8' })
  }
  files.push({ ending: imageEnding(suffix), volume: moved, type: 'float32' })
  return {
    scan: moved,
    mask: movedMask,
    files,
    report: `brought onto ${target.source}, mutual information ${information.toFixed(3)} nats`,
    figures: { 'mutual information': information },
  }
}
