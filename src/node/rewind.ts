import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * Runs `body` and takes back what it wrote to stderr, if stderr is a regular file that is not appended to (`2> log`) and
 * every line written is one of `unwanted`. The position in the file goes back too, since other programs may share it.
 *
 * Node can truncate a file, but not seek in one that is already open; its WASI can. If anything is not as expected, the lines
 * stay.
 */
export async function takingBack<T>(unwanted: RegExp, body: () => Promise<T>): Promise<T> {
  const start = stderrPosition()
  try {
    return await body()
  } finally {
    if (start !== undefined) takeBack(start, unwanted)
  }
}

function takeBack(start: number, unwanted: RegExp): void {
  try {
    const end = stderrPosition()
    if (end === undefined || end <= start || fstatSync(2).size !== end) return
    const lines = readBetween(start, end).trimEnd().split('\n')
    if (!lines.every((line) => unwanted.test(line))) return
    const seek = seekOfWasi()
    ftruncateSync(2, start)
    seek(2, BigInt(start), 0, 0)
  } catch {
    // A few lines of a driver in a log harm nobody.
  }
}

/** Where stderr's file is written next; undefined if that is unknown. */
function stderrPosition(): number | undefined {
  try {
    const position = /^pos:\s*(\d+)$/m.exec(readFileSync('/proc/self/fdinfo/2', 'utf8'))?.[1]
    return position === undefined ? undefined : Number(position)
  } catch {
    return undefined
  }
}

function readBetween(start: number, end: number): string {
  const file = openSync('/proc/self/fd/2', 'r')
  try {
    const bytes = Buffer.alloc(end - start)
    readSync(file, bytes, 0, bytes.length, start)
    return bytes.toString('utf8')
  } finally {
    closeSync(file)
  }
}

type Seek = (descriptor: number, offset: bigint, whence: number, result: number) => number

/** `fd_seek` of WASI, which moves the position of the descriptor of that number. */
function seekOfWasi(): Seek {
  // Only kept, to be put back; it is not called apart from `process`.
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const { emitWarning } = process
  // Node calls WASI experimental, on stderr.
  process.emitWarning = () => undefined
  try {
    const { WASI } = createRequire(import.meta.url)('node:wasi') as typeof import('node:wasi')
    const wasi = new WASI({ version: 'preview1', stderr: 2 })
    // The result is written into the memory of an instance; this one exists for nothing else.
    wasi.initialize({ exports: { memory: new WebAssembly.Memory({ initial: 1 }) } })
    return (wasi.wasiImport as { fd_seek: Seek }).fd_seek
  } finally {
    process.emitWarning = emitWarning
  }
}
