import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/**
 * Runs `body` and discards what native code writes to stderr meanwhile: Dawn prints lines about limits for every
 * adapter it opens and has no option against that (its `WarningLog` always goes to stderr).
 *
 * Works only on Linux, and if stderr is a terminal, a pipe or a file opened for appending (`2>> log`); otherwise `body`
 * just runs. Node cannot duplicate a file descriptor, so stderr must be reopened afterwards. A socket cannot be
 * reopened, and a file under `2> log` would be reopened at its start, so that writers would overwrite each other.
 *
 * File descriptor 2 is free for a moment: do not use this while other threads of the program open files. SAE_DEBUG
 * leaves everything visible.
 */
export function hush<T>(body: () => T): T {
  const saved = process.platform === 'linux' && !process.env.SAE_DEBUG ? duplicateStderr() : undefined
  if (saved === undefined) return body()
  reopenStderr('/dev/null')
  try {
    return body()
  } finally {
    reopenStderr(`/proc/self/fd/${saved}`)
    closeSync(saved)
  }
}

function duplicateStderr(): number | undefined {
  try {
    const stderr = fstatSync(2)
    const reopens = stderr.isFIFO() || stderr.isCharacterDevice() || (stderr.isFile() && isAppendedTo())
    return reopens ? openSync('/proc/self/fd/2', 'a') : undefined
  } catch {
    return undefined
  }
}

function isAppendedTo(): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/2', 'utf8'))?.[1] ?? '0'
  return (parseInt(flags, 8) & constants.O_APPEND) !== 0
}

/** Opening a file takes the lowest free descriptor, which is 2 once that is closed. */
function reopenStderr(path: string): void {
  closeSync(2)
  openSync(path, 'a')
}
