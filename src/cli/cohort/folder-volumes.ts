import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { UserError } from '../../errors.js'
import { channelFiles, scanOf } from '../inputs/channel-files.js'
import { isVolumeName } from '../outputs/file-names.js'
import { naturally } from './natural-order.js'

export const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Whether an argument stands for the files that it matches. A file may have a star or a bracket in its name. */
export const isPattern = (argument: string): boolean => !existsSync(argument) && isDynamicPattern(argument)

/** The files that a glob matches, in natural order. @throws UserError if there is none */
export async function matchesOf(pattern: string): Promise<string[]> {
  const matches = await glob(pattern, { expandDirectories: false })
  if (matches.length === 0) throw new UserError(`${pattern}: matches no file`)
  return matches.sort(naturally)
}

/** The names of the volumes in a folder, not of those in its folders, in natural order; a pair by its header. */
export function volumesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
  const volumes = files.filter((name) => !name.startsWith('.') && isVolumeName(name)).sort(naturally)
  return volumes.filter((name) => !hasHeader(name, volumes))
}

/** Whether a file is the image of a pair: its header stands for both. */
function hasHeader(name: string, among: readonly string[]): boolean {
  return /\.img(\.gz)?$/i.test(name) && among.some((other) => other === name.replace(/\.img/i, '.hdr'))
}

/** Equal for two names of one file, or of a scan of several. */
export function identityOf(scan: string): string {
  const identities = channelFiles(scan).map((file) => (existsSync(file) ? realpathSync(file) : resolve(file)))
  return scanOf(identities)
}
