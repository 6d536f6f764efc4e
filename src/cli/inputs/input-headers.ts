import { UserError } from '../../errors.js'
import { readVolumeHeader } from '../../io/files.js'
import type { VolumeHeader } from '../../io/volume.js'

/**
 * Reads the headers of scans or label maps, which takes milliseconds, before any of them is unpacked, which may take a
 * minute: a file that is not there or of a kind that is not read is reported at once.
 *
 * @param what what they are, for messages: `a scan`
 * @param volume of files with several, the one to read
 * @throws UserError
 */
export async function readHeaders(
  paths: readonly string[],
  what: string,
  volume: number | undefined,
): Promise<VolumeHeader[]> {
  const headers: VolumeHeader[] = []
  for (const path of paths) {
    const header = await readVolumeHeader(path, { volume })
    requireOneChannel(header, what)
    headers.push(header)
  }
  return headers
}

/** Reads the header of a prior, likewise. @throws UserError */
export async function readPriorHeader(path: string): Promise<VolumeHeader> {
  const header = await readVolumeHeader(path)
  requireClassChannels(header)
  return header
}

/** How one of several volumes is chosen: by an option of the command, or by another command before it. */
export type VolumeChoice = 'by --volume' | 'by sae convert'

/** @throws UserError unless a volume has the one channel of a scan or a label map */
export function requireOneChannel(
  { channels, source }: VolumeHeader,
  what: string,
  choice: VolumeChoice = 'by --volume',
): void {
  if (channels === 1) return
  const advice =
    choice === 'by --volume'
      ? `choose one with --volume, 0 to ${channels - 1}`
      : `take one out with sae convert ${source} ONE.nii.gz --volume N, 0 to ${channels - 1}`
  throw new UserError(`${source}: has ${channels} volumes, but ${what} has one; ${advice}`)
}

/** @throws UserError unless a volume has the channels of a prior */
export function requireClassChannels({ channels, source }: VolumeHeader): void {
  if (channels > 1) return
  throw new UserError(
    `${source}: has one channel, but a prior has one per class; make one with sae prior, or with sae prior --tissues if there is a map per tissue`,
  )
}
