import { mkdirSync, mkdtempSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for what can be made again, which it creates: the user's cache, or a temporary one if that is read-only. */
export function cacheFolder(): string {
  const home = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  for (const folder of [join(home, 'sae-webgpu'), join(tmpdir(), 'sae-webgpu')]) {
    try {
      mkdirSync(folder, { recursive: true })
      return folder
    } catch {
      // The home folder is read-only: try the temporary folder.
    }
  }
  return mkdtempSync(join(tmpdir(), 'sae-webgpu-'))
}
