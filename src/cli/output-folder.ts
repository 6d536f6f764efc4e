import { accessSync, constants, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UserError } from '../errors.js'

/**
 * Requires that a folder is there or can be made, without making it: that waits until all inputs are known to be good.
 *
 * @throws UserError
 */
export function requireWritableFolder(path: string): void {
  let folder = resolve(path)
  while (!exists(folder)) folder = dirname(folder)
  if (!statSync(folder).isDirectory()) {
    throw new UserError(`${path}: cannot be a folder: ${folder} is a file`)
  }
  try {
    accessSync(folder, constants.W_OK)
  } catch {
    throw new UserError(`${path}: cannot be written: no permission to write to ${folder}`)
  }
}

/** Makes a folder and those above it. @throws UserError if the disk refuses */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw new UserError(`${path}: the folder cannot be made: ${(error as Error).message}`)
  }
}

/** Whether a file lies in a folder, by whatever links they are named; neither need be there. */
export function isInFolder(file: string, folder: string): boolean {
  const own = dirname(file)
  return exists(own) && exists(folder) && realpathSync(own) === realpathSync(folder)
}

function exists(path: string): boolean {
  try {
    statSync(path)
    return true
  } catch (error) {
    // A path through a file (ENOTDIR) is as absent as one through a missing folder.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw new UserError(`${path}: cannot be looked at: ${(error as Error).message}`)
  }
}
