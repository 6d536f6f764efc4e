import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { takingBack } from './rewind.js'

/**
 * Runs `body` while whatever native code writes to stderr is thrown away: Dawn has no switch for the lines about
 * limits that it prints for every adapter it opens (its `WarningLog` goes to stderr whatever its options say).
 *
 * On Linux only. If stderr is a terminal, a pipe or a file that is appended to (`2>> log`), it is opened anew afterwards, since
 * Node cannot duplicate a file descriptor. In a file under `2> log` that would be another position, and other programs that write
 * there would overwrite us; there, Dawn's lines are taken back instead. A socket allows neither. Only for a program
 * that opens no files in other threads meanwhile, because file descriptor 2 is free for a moment. SAE_DEBUG leaves everything visible.
 */
export function hush<T>(body: () => T): T {
  if (process.platform !== 'linux' || process.env.SAE_DEBUG) return body()
  const saved = duplicateStderr()
  if (saved === undefined) return isFile() ? takingBack(dawnsWarning, body) : body()
  reopenStderr('/dev/null')
  try {
    return body()
  } finally {
    reopenStderr(`/proc/self/fd/${saved}`)
    closeSync(saved)
  }
}

const dawnsWarning = /^Warning: max\w+ artificially reduced from /

function isFile(): boolean {
  try {
    return fstatSync(2).isFile()
  } catch {
    return false
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
