import { existsSync, readdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { UserError } from '../../errors.js'
import { pairOf } from '../../io/pairs.js'
import { channelFiles, scanOf } from '../inputs/channel-files.js'
import { isVolumeName } from '../outputs/file-names.js'
import type { Terminal } from '../terminal.js'
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

/** Equal for two names of one file, whatever links they are made of, or of a scan of several; a pair has two names. */
export function identityOf(scan: string): string {
  return scanOf(channelFiles(scan).map(fileIdentity))
}

function fileIdentity(file: string): string {
  const header = pairOf(file)?.header
  const named = header !== undefined && existsSync(header) ? header : file
  const found = statSync(named, { bigint: true, throwIfNoEntry: false })
  return found ? `${found.dev} ${found.ino}` : resolve(file)
}

/** The first of those with the same identity; says which others were given. */
export function onceEach<T>(
  given: readonly T[],
  identity: (one: T) => string,
  pathOf: (one: T) => string,
  terminal: Terminal,
): T[] {
  const kept = new Map<string, T>()
  for (const one of given) {
    const key = identity(one)
    if (kept.has(key)) terminal.note(`${pathOf(one)}: was given more than once; it is taken once`)
    else kept.set(key, one)
  }
  return [...kept.values()]
}
