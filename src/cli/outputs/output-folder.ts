import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UserError } from '../../errors.js'
import { createFolder } from '../../node/create-folder.js'

/**
 * Requires that a folder exists or can be created. Does not create it yet: first, all inputs must prove good.
 *
 * @throws UserError
 */
export function requireWritableFolder(path: string): void {
  let folder = resolve(path)
  while (!exists(folder)) folder = dirname(folder)
  if (!statSync(folder).isDirectory()) {
    throw new UserError(`${path}: cannot be used as a folder: ${folder} is a file`)
  }
  try {
    accessSync(folder, constants.W_OK)
  } catch {
    throw new UserError(`${path}: cannot be written: no write permission for ${folder}`)
  }
}

/** Requires that a path to write a file at is no folder. @param option what names the path */
export function requireNoFolder(path: string, option: string): void {
  if (!exists(path) || !statSync(path).isDirectory()) return
  throw new UserError(`${path}: is a folder, but a file is to be written there; give another ${option}`)
}

/** Creates a folder and its parents. @throws UserError if that fails */
export function makeFolder(path: string): void {
  try {
    createFolder(path)
  } catch (error) {
    throw new UserError(`${path}: cannot create the folder: ${(error as Error).message}`)
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
    throw new UserError(`${path}: cannot be accessed: ${(error as Error).message}`)
  }
}
