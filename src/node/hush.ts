import { closeSync, fstatSync, openSync } from 'node:fs'

/**
 * Runs `body` while whatever native code writes to stderr is thrown away: Dawn has no switch for the lines about
 * limits that it prints for every adapter it opens.
 *
 * Only on Linux and where stderr is a terminal or a pipe; else `body` just runs. (A file would be opened anew too, and
 * then whoever else writes to it would not move on with us.) Only for a program that opens no files in other
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
    return stderr.isFIFO() || stderr.isCharacterDevice() ? openSync('/proc/self/fd/2', 'a') : undefined
  } catch {
    return undefined
  }
}

/** A file that is opened takes the lowest free descriptor, which is 2 once that is closed. */
function reopenStderr(path: string): void {
  closeSync(2)
  openSync(path, 'a')
}
