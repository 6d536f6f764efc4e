import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { lendStderr } from './lend-stderr.js'
import { takingBack } from './rewind.js'

/**
 * Runs `body` while whatever is written to stderr is thrown away: Dawn has no switch for the lines about limits that it
 * prints for every adapter it opens (its `WarningLog` goes to stderr whatever its options say).
 *
 * On Linux only. If stderr is a terminal, a pipe or a file that is appended to (`2>> log`), it is reopened afterwards, since
 * Node cannot duplicate a file descriptor. Under `2> log` a reopened file would start at another position, where other programs
 * that share it would overwrite our output; there, Dawn's lines are removed instead. A socket cannot be reopened, so a child
 * process holds it meanwhile. Only for a program that opens no files in other threads meanwhile, because file descriptor 2 is
 * free for a moment. SAE_DEBUG leaves everything visible.
 */
export async function hush<T>(body: () => Promise<T>): Promise<T> {
  if (process.platform !== 'linux' || process.env.SAE_DEBUG) return body()
  const kind = kindOfStderr()
  if (kind === 'file') return takingBack(dawnsWarning, body)
  const restore = kind === 'reopens' ? keepingStderr() : kind === 'socket' ? await lendStderr() : undefined
  if (!restore) return body()
  reopenStderr('/dev/null')
  try {
    return await body()
  } finally {
    await restore()
  }
}

const dawnsWarning = /^Warning: max\w+ artificially reduced from /

function kindOfStderr(): 'reopens' | 'file' | 'socket' | undefined {
  try {
    const stderr = fstatSync(2)
    if (stderr.isSocket()) return 'socket'
    if (stderr.isFile()) return isAppendedTo() ? 'reopens' : 'file'
    return stderr.isFIFO() || stderr.isCharacterDevice() ? 'reopens' : undefined
  } catch {
    return undefined
  }
}

/** Opens stderr a second time and returns what puts it back; undefined if it may not be opened. */
function keepingStderr(): (() => Promise<void>) | undefined {
  try {
    const saved = openSync('/proc/self/fd/2', 'a')
    return () => {
      reopenStderr(`/proc/self/fd/${saved}`)
      closeSync(saved)
      return Promise.resolve()
    }
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
