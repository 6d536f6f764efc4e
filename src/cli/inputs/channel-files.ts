import { existsSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { UserError } from '../../errors.js'
import { counted } from '../counted.js'

/** Between the files of a scan with several channels: `t1.nii.gz,t2.nii.gz`. */
const separator = ','

/** The files of a scan, one for each channel. A file may have a comma in its name. */
export function channelFiles(scan: string): string[] {
  return !scan.includes(separator) || existsSync(scan) ? [scan] : scan.split(separator)
}

/** The first file of a scan: results have its name and its grid. */
export const firstFile = (scan: string): string => channelFiles(scan)[0]!

/**
 * The first file of a scan given by absolute paths (`resolvedScan`), even if the files are gone. If not all parts are absolute
 * paths, a comma belongs to a file's name.
 */
export function firstResolved(scan: string): string {
  const files = channelFiles(scan)
  return files.every(isAbsolute) ? files[0]! : scan
}

/** A scan of these files. */
export const scanOf = (files: readonly string[]): string => files.join(separator)

/** A scan by absolute paths. */
export const resolvedScan = (scan: string): string => scanOf(channelFiles(scan).map((file) => resolve(file)))

/** The number of channels of a run's scans, at least one. @throws UserError if they differ */
export function channelsOfScans(scans: readonly string[]): number {
  const channels = channelFiles(scans[0]!).length
  const other = scans.find((scan) => channelFiles(scan).length !== channels)
  if (other === undefined) return channels
  throw new UserError(
    `${other}: is a scan of ${counted(channelFiles(other).length, 'channel')}, but ${scans[0]!} is one of ${counted(channels, 'channel')}; give all of them the same channels`,
  )
}

/** Requires scans of one channel. @throws UserError */
export function requireSingleFiles(scans: readonly string[], command: string): void {
  const several = scans.find((scan) => channelFiles(scan).length > 1)
  if (several === undefined) return
  throw new UserError(
    `${several}: ${command} takes the contrasts of a subject one by one; give them as scans of their own`,
  )
}

/** What is written of each channel: `_reconstruction.nii.gz`, or `_channel-1_reconstruction.nii.gz` and so on. */
export function channelEndings(ending: string, channels: number): string[] {
  if (channels === 1) return [ending]
  return Array.from({ length: channels }, (_, c) => `_channel-${c + 1}${ending}`)
}
