import { UserError } from '../../errors.js'
import { isArray, isCount, parseRecord } from '../../io/json.js'
import { fileDigest } from '../outputs/file-digest.js'
import type { GridOptions } from '../grids/grid-check.js'
import type { Terminal } from '../terminal.js'

/** What a run learns from, by checksums, so that it is resumed with the same. Names would tell who was scanned. */
export interface RunInputs {
  /** SHA-256 of each scan, in the order of the command line, on which that of the steps depends. */
  readonly scans: readonly string[]
  /** SHA-256. */
  readonly prior: string
  /** Every how many voxels are used. */
  readonly every: number
  /** Whether voxels are paired by their indices, whatever the headers say. */
  readonly byIndex?: boolean
  /** Which volume of the scans is used, if one was chosen. */
  readonly volume?: number
  /** Whether scans are brought onto the grid of the prior. */
  readonly resample?: boolean
}

/** How the files of a run are read. */
interface RunReading extends GridOptions {
  /** Which volume, of scans with several. */
  readonly volume?: number | undefined
}

/** @throws UserError if a file cannot be read */
export async function identifyInputs(
  scans: readonly string[],
  prior: string,
  every: number,
  { matchByIndex, resample, volume }: RunReading,
): Promise<RunInputs> {
  const digests: string[] = []
  for (const path of scans) digests.push((await fileDigest(path)).sha256)
  const inputs = { scans: digests, prior: (await fileDigest(prior)).sha256, every }
  return {
    ...inputs,
    ...(matchByIndex ? { byIndex: true } : {}),
    ...(resample ? { resample } : {}),
    ...(volume === undefined ? {} : { volume }),
  }
}

/** As a checkpoint keeps them. */
export function formatInputs(inputs: RunInputs): string {
  return JSON.stringify(inputs)
}

/**
 * Requires the inputs of the run that a checkpoint is of.
 *
 * @param saved what the checkpoint keeps; older ones and those of the page keep nothing, which is warned of
 * @param paths of the scans
 * @throws UserError if they are others
 */
export function requireSameInputs(
  saved: string | undefined,
  now: RunInputs,
  paths: readonly string[],
  prior: string,
  checkpoint: string,
  terminal: Terminal,
): void {
  if (saved === undefined) {
    terminal.warn(
      `${checkpoint}: does not say what it was trained on, so nobody checks that this is the same`,
    )
    return
  }
  const before = parseInputs(saved, checkpoint)
  if (now.scans.length !== before.scans.length) {
    throw new UserError(
      `${checkpoint}: its run has ${before.scans.length} scans, not ${now.scans.length}; give the same, or start anew with --init`,
    )
  }
  const other = now.scans.findIndex((scan, i) => scan !== before.scans[i])
  if (other !== -1) {
    const reordered = before.scans.includes(now.scans[other]!)
    throw new UserError(
      reordered
        ? `${checkpoint}: its run has the scans in another order, which differs from scan ${other + 1} on, ${paths[other]!}; give the same order`
        : `${paths[other]!}: is not scan ${other + 1} of the run of ${checkpoint}, or was changed since; give the same scans, or start anew with --init`,
    )
  }
  if (now.prior !== before.prior) {
    throw new UserError(
      `${prior}: is not the prior of the run of ${checkpoint}, or was changed since; give the same, or start anew with --init`,
    )
  }
  if (now.every !== before.every) {
    throw new UserError(
      `--every ${now.every} contradicts ${checkpoint}, which has ${before.every}; give the same, or start anew with --init`,
    )
  }
  if (now.volume !== before.volume) {
    const was = before.volume === undefined ? 'without --volume' : `with --volume ${before.volume}`
    throw new UserError(`${checkpoint}: its run is one ${was}; give the same, or start anew with --init`)
  }
  for (const [name, flag] of [
    ['byIndex', '--match-by-index'],
    ['resample', '--resample'],
  ] as const) {
    if (now[name] === before[name]) continue
    const [was, remedy] = before[name] ? ['with', 'give it'] : ['without', 'leave it out']
    throw new UserError(`${checkpoint}: its run is one ${was} ${flag}; ${remedy}, or start anew with --init`)
  }
}

/** What `formatInputs` wrote. @throws UserError if it is damaged */
function parseInputs(text: string, checkpoint: string): RunInputs {
  const inputs = parseRecord(text) ?? {}
  const { scans, prior, every } = inputs
  const isDigest = (value: unknown): boolean => typeof value === 'string'
  if (!isArray(scans) || !scans.every(isDigest) || !isDigest(prior) || !isCount(every))
    throw new UserError(`${checkpoint}: what it holds of its inputs makes no sense; start anew with --init`)
  return inputs as unknown as RunInputs
}
