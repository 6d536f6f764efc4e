import { mkdtempSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFolder } from './create-folder.js'

/** A folder for what can be made again, which it creates: the user's cache, or a temporary one if that is read-only. */
export function cacheFolder(): string {
  const home = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  for (const folder of [join(home, 'sae-webgpu'), join(tmpdir(), 'sae-webgpu')]) {
    try {
      createFolder(folder)
      return folder
    } catch {
      // The home folder is read-only: try the temporary folder.
    }
  }
  return mkdtempSync(join(tmpdir(), 'sae-webgpu-'))
}
