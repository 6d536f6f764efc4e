import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Creates a folder and those above it, unless they are there. Node's own `recursive` retries for ever if the system answers
 * that the folder does not exist, as in /proc.
 *
 * @throws Error of the file system if that fails
 */
export function createFolder(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(path).isDirectory()) return
    const parent = dirname(resolve(path))
    if (code !== 'ENOENT' || existsSync(parent)) throw error
    createFolder(parent)
    createFolder(path)
  }
}
