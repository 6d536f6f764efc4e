import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, fileError } from './file-error.js'
import { isAlive, thisHost, thisProcess } from './process-life.js'

/**
 * Writes a file so that at no time a half-written one stands under its name, and that it outlasts a power cut: to a
 * temporary file beside it, which is flushed to the disk and then renamed; or removed if anything fails.
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

/** A path for a temporary file that `removeLeftovers` knows for one. */
export function temporaryIn(folder: string): string {
  const { pid, birth } = thisProcess
  return join(folder, `.${pid}-${birth}-${count++}-${thisHost}.sae-tmp`)
}

const temporaryName = /^\.(\d+)-(\d*)-\d+-(.*)\.sae-tmp$/

/** No file takes so long to write, in milliseconds. */
const longestWrite = 3_600_000

/**
 * Removes the temporary files that killed processes left in a folder: those of processes that no longer run, and those
 * an hour old, because of a process on another machine nobody can tell.
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

/** Flushes the names in a folder, without which a renamed file may have its old content after a power cut. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // which has no such thing
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } catch (error) {
    // Some network file systems cannot.
    if (!['EINVAL', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error
  } finally {
    await folder.close()
  }
}
