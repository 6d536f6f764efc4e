import { splitChannels, UserError, type CheckpointInfo } from 'sae-webgpu'
import { requireFinite, requireVaries, type Volume } from 'sae-webgpu/io'
import type { Contrast, Scan } from './data-set.js'
import { looksLikeProbabilities, mostContrasts } from './file-kinds.js'
import { readVolume } from './volumes.js'

/** Reads the contrasts of a file, one for each of its volumes. @throws UserError with one line */
export async function readContrasts(file: File, notes: string[]): Promise<Volume[]> {
  const volume = await readVolume(file, notes)
  const { channels, grid, source } = volume
  if (looksLikeProbabilities(volume)) {
    throw new UserError(
      `${source} looks like a prior, not like a scan: its volumes sum to 1; open a scan too`,
    )
  }
  if (channels > mostContrasts) {
    throw new UserError(
      `${source}: has ${channels} volumes, but a scan has at most ${mostContrasts} contrasts; open a file of one volume`,
    )
  }
  requireFinite(volume)
  const contrasts = splitChannels(volume.data, grid.shape).map((data, c): Volume => {
    return { ...volume, data, channels: 1, source: channels === 1 ? source : `${source}, volume ${c + 1}` }
  })
  contrasts.forEach(requireVaries)
  return contrasts
}

/** A scan of one person, from contrasts in the order of its channels. It has the name and the place of the first. */
export function scanOfContrasts(name: string, contrasts: readonly Contrast[]): Scan {
  const scan = { ...contrasts[0]!, name }
  return contrasts.length === 1 ? scan : { ...scan, contrasts }
}

/** The contrasts of a scan, one at least. */
export function contrastsOf(scan: Scan): readonly Contrast[] {
  return scan.contrasts ?? [scan]
}

/** How many contrasts the scans of a data set have: channels of a network. */
export function channelCount([scan]: readonly Scan[]): number {
  return scan ? contrastsOf(scan).length : 1
}

/** The same scan with its contrasts in another order. @param order positions in the present one */
export function inOrder(scan: Scan, order: readonly number[]): Scan {
  const contrasts = order.map((c) => contrastsOf(scan)[c]!)
  // A scan of several files is called after the first of them.
  const { name } = contrastsOf(scan).some((contrast) => contrast.name === scan.name) ? contrasts[0]! : scan
  return { ...scanOfContrasts(name, contrasts), ...(scan.truth ? { truth: scan.truth } : {}) }
}

/** @throws UserError unless all scans have the same number of contrasts */
export function requireSameContrasts(scans: readonly Scan[]): void {
  const wanted = channelCount(scans)
  const other = scans.find((scan) => contrastsOf(scan).length !== wanted)
  if (!other) return
  throw new UserError(
    `${other.name} has ${counted(contrastsOf(other).length)}, but ${scans[0]!.name} has ${counted(wanted)}; open scans with the same contrasts`,
  )
}

/** @throws UserError unless an encoder is for scans with as many contrasts as these have */
export function requireContrasts(
  { architecture: { channels: wanted = 1 } }: Pick<CheckpointInfo, 'architecture'>,
  scans: readonly Scan[],
  source: string,
): void {
  const given = channelCount(scans)
  if (wanted === given) return
  const [{ name }] = scans as [Scan]
  throw new UserError(
    `${source}: its encoder is for scans of ${counted(wanted)}, but ${name} has ${counted(given)}; ${remedy(wanted, given, scans.length)}`,
  )
}

function remedy(wanted: number, given: number, scans: number): string {
  if (given === 1 && scans === wanted) return 'if the scans are contrasts of one person, say so under Data'
  if (wanted === 1) return 'open one of them alone, or other weights'
  return `open the ${wanted} contrasts of one person together, or other weights`
}

const counted = (contrasts: number): string => `${contrasts} contrast${contrasts === 1 ? '' : 's'}`
