import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, fileError } from './file-error.js'
import { isAlive, thisHost, thisProcess } from './process-life.js'

/**
 * Writes a file atomically: its name never refers to a half-written file, even after a power cut. Writes a temporary
 * file in the same folder, flushes it to the disk and renames it; removes it if anything fails.
 *
 * @throws UserError if the disk refuses: no such folder, no permission, no space
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryIn(dirname(path))
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw fileError(error, path, 'cannot be written')
  }
}

let count = 0

/** A path for a temporary file, in the form that `removeLeftovers` recognises. */
export function temporaryIn(folder: string): string {
  const { pid, birth } = thisProcess
  return join(folder, `.${pid}-${birth}-${count++}-${thisHost}.sae-tmp`)
}

const temporaryName = /^\.(\d+)-(\d*)-\d+-(.*)\.sae-tmp$/

/** Milliseconds; no file takes longer to write. */
const longestWrite = 3_600_000

/**
 * Removes the temporary files that killed processes left in a folder: files of processes that no longer run, and files
 * more than an hour old, because it cannot be known whether a process on another machine still runs.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, pid, birth, host] = temporaryName.exec(name) ?? []
    if (pid === undefined || birth === undefined) continue
    const path = join(folder, name)
    const orphaned = host === thisHost && !isAlive({ pid: Number(pid), birth })
    if (orphaned || (await ageOf(path)) > longestWrite) await rm(path, { force: true })
  }
}

async function ageOf(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0 // its writer has finished
    throw error
  }
}

/** Flushes a folder's entries; otherwise a power cut may undo a rename. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // Windows cannot flush a folder
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } catch (error) {
    // Some network file systems cannot flush a folder.
    if (!['EINVAL', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error
  } finally {
    await folder.close()
  }
}
