import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/**
 * Runs `body` while whatever native code writes to stderr is thrown away: Dawn has no switch for the lines about
 * limits that it prints for every adapter it opens (its `WarningLog` goes to stderr whatever its options say).
 *
 * Only on Linux and where stderr is a terminal, a pipe or a file that is appended to (`2>> log`); else `body` just runs.
 * Node cannot duplicate a file descriptor, so that stderr has to be opened anew afterwards. A socket cannot be, and of a
 * file under `2> log` that would be another position in it: whoever else writes there would overwrite us. Only for a program that opens no files in other
 * threads meanwhile, for file descriptor 2 is free for a moment. SAE_DEBUG leaves everything visible.
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

/** A file that is opened takes the lowest free descriptor, which is 2 once that is closed. */
function reopenStderr(path: string): void {
  closeSync(2)
  openSync(path, 'a')
}
