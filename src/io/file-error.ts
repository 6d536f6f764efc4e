import { UserError } from '../errors.js'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'no such folder',
  EISDIR: 'a folder, not a file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
}

/** The code of a file system error, such as `ENOENT`; undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/**
 * Turns a file system error into one line that names the file; returns other errors unchanged.
 *
 * @param what what failed, such as `cannot be read`
 */
export function fileError(error: unknown, path: string, what: string): unknown {
  const code = codeOf(error)
  if (code === undefined) return error
  return new UserError(`${path}: ${what}: ${reasons[code] ?? (error as Error).message}`)
}
