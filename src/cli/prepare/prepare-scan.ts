import { encodeVolume } from '../../io/formats.js'
import { readVolume } from '../../io/files.js'
import { requireFinite, requireVaries, type Volume } from '../../io/volume.js'
import { requireOneChannel } from '../inputs/input-headers.js'
import { requireNoMask } from '../inputs/inputs.js'
import { inFormat } from '../outputs/result-format.js'
import type { Job } from '../segment/segmentation-files.js'
import { suffixOf } from './prepare-jobs.js'
import { hasSidecar, sidecarEnding, sidecarOf } from './prepare-sidecars.js'
import type { OutputFile, Stage } from './prepare-stage.js'
import { steps, type StepName, type Workshop } from './prepare-steps.js'

/** A scan that went through the steps. */
interface Prepared {
  /** In the order in which they are to be written. */
  readonly files: readonly { readonly path: string; readonly content: Uint8Array | string }[]
  /** What each step found, and the seconds that it took. */
  readonly figures: Readonly<Record<string, object>>
}

/**
 * Takes a scan through the steps. Writes nothing, so that a scan that a later step refuses leaves nothing; the files
 * wait as they will be written, most of them compressed.
 *
 * @param stem path of the scan's files, up to their endings
 * @param target the scan onto which others are brought
 * @throws UserError if a step cannot be done
 */
export async function prepareScan(
  { scan: path, format, from }: Job,
  stem: string,
  wanted: readonly StepName[],
  workshop: Workshop,
  target: string | undefined,
): Promise<Prepared> {
  const encode = (file: OutputFile): Prepared['files'] => {
    const own = stem + inFormat(file.ending, format)
    const content = 'text' in file ? file.text : encodeVolume(own, file.volume, file.type)
    if (!from || !hasSidecar(file.ending)) return [{ path: own, content }]
    const sidecar = sidecarOf(file.ending, from, wanted.includes('strip'), target)
    return [
      { path: stem + sidecarEnding(file.ending), content: sidecar },
      { path: own, content },
    ]
  }
  const original = await readHead(path)
  let stage: Stage = { scan: original, original, mask: undefined, suffix: suffixOf(path) }
  const files: Prepared['files'][number][] = []
  const figures: Record<string, object> = {}
  for (const step of wanted) {
    const start = performance.now()
    const made = await steps[step](stage, workshop)
    files.push(...made.files.flatMap(encode))
    stage = { ...stage, scan: made.scan, mask: made.mask }
    const seconds = (performance.now() - start) / 1000
    workshop.terminal.status(`  ${step}: ${made.report} (${seconds.toFixed(1)} s)`)
    figures[step] = { ...made.figures, seconds }
  }
  return { files, figures }
}

/** Reads a scan of a head. @throws UserError if it cannot be prepared */
export async function readHead(path: string): Promise<Volume> {
  const volume = await readVolume(path)
  requireOneChannel(volume, 'a scan', 'by sae convert')
  requireFinite(volume)
  requireVaries(volume)
  requireNoMask(volume)
  return volume
}
