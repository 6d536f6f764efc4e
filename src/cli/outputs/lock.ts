import { unlinkSync } from 'node:fs'
import { link, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../errors.js'
import { temporaryIn } from '../../io/atomic-file.js'
import { codeOf, fileError } from '../../io/file-error.js'
import { isAlive, thisHost, thisProcess, type ProcessIdentity } from '../../io/process-life.js'
import { outputName } from '../program-name.js'

/** Who holds a lock. */
interface Holder extends ProcessIdentity {
  readonly host: string
  /** When it took the lock, ISO 8601. */
  readonly started: string
}

/** Requires that no living process holds a lock, without taking it. @throws UserError */
export async function requireUnlocked(path: string, output: string): Promise<void> {
  refuseIfHeld(await readLock(path), path, output)
}

/**
 * Takes a lock until the process ends, unless it has it already. A lock is a file that says who holds it; that of a process of
 * this machine that no longer runs is taken over.
 *
 * @param output what is locked, for messages
 * @throws UserError if a living process holds it, or the disk refuses
 */
export async function takeLock(path: string, output: string): Promise<void> {
  if (await isOurs(path)) return
  const text = lockText()
  try {
    while (!(await createWhole(path, text))) {
      const other = await readLock(path)
      refuseIfHeld(other, path, output)
      if (other !== undefined) await removeStale(path, other)
    }
  } catch (error) {
    throw fileError(error, path, 'cannot be written')
  }
  process.once('exit', () => {
    try {
      unlinkSync(path)
    } catch {
      // The folder was removed meanwhile.
    }
  })
}

/** The folders that this process has to itself now. */
const inside = new Set<string>()

/** Milliseconds that `exclusively` waits for others. */
const longestWait = 120_000

/**
 * Does something that only one process at a time may do in a folder, such as adding to a file that several runs share.
 * Waits for the others. May be nested.
 *
 * @throws UserError if another process does not finish within two minutes, or the disk refuses
 */
export async function exclusively<T>(folder: string, body: () => Promise<T>): Promise<T> {
  const key = resolve(folder)
  if (inside.has(key)) return body()
  const path = join(folder, '.sae-record-lock')
  const text = lockText()
  const start = Date.now()
  try {
    while (!(await createWhole(path, text))) {
      const other = await readLock(path)
      const holder = other === undefined ? undefined : parse(other)
      if (other !== undefined && holder?.host === thisHost && !isAlive(holder)) await removeStale(path, other)
      else if (Date.now() - start > longestWait)
        throw new UserError(
          `${path}: another sae has held this lock for minutes; remove it if none runs there`,
        )
      // Not all at the same moments.
      else await sleep(5 + 20 * Math.random())
    }
  } catch (error) {
    throw error instanceof UserError ? error : fileError(error, path, 'cannot be written')
  }
  inside.add(key)
  try {
    return await body()
  } finally {
    inside.delete(key)
    await rm(path, { force: true })
  }
}

function lockText(): string {
  const holder: Holder = { ...thisProcess, host: thisHost, started: new Date().toISOString() }
  return `${JSON.stringify(holder)}\n`
}

/** Makes a file that is never seen without its content. @returns false if there is one already */
async function createWhole(path: string, text: string): Promise<boolean> {
  const temporary = temporaryIn(dirname(path))
  try {
    await writeFile(temporary, text, { flag: 'wx' })
    await link(temporary, path)
    return true
  } catch (error) {
    const code = codeOf(error) ?? ''
    if (code === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP'].includes(code)) throw error
    return await createInSteps(path, text)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** On disks that have no hard links. */
async function createInSteps(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(text)
    await file.close()
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Removes a lock, but not one that somebody else has taken over at this very moment. */
async function removeStale(path: string, content: string): Promise<void> {
  const aside = temporaryIn(dirname(path))
  try {
    await rename(path, aside)
    if ((await readFile(aside, 'utf8')) !== content) await link(aside, path)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(codeOf(error) ?? '')) throw error
  }
  await rm(aside, { force: true })
}

/** Whether this process holds a lock: a command made of others takes the lock of its folder several times. */
async function isOurs(path: string): Promise<boolean> {
  const holder = parse((await readLock(path)) ?? '')
  return holder !== undefined && isThisProcess(holder)
}

function isThisProcess({ pid, birth, host }: Holder): boolean {
  return host === thisHost && pid === thisProcess.pid && birth === thisProcess.birth
}

/** The content of a lock, undefined if there is none. */
async function readLock(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    throw fileError(error, path, 'cannot be read')
  }
}

function refuseIfHeld(content: string | undefined, path: string, output: string): void {
  if (content === undefined) return
  const holder = parse(content)
  if (!holder) {
    throw new UserError(
      `${output}: its lock ${path} says nothing of its holder; remove that file if no sae runs there`,
    )
  }
  const { pid, host, started } = holder
  if (isThisProcess(holder) || (host === thisHost && !isAlive(holder))) return
  const advice =
    host === thisHost
      ? `wait for it, or give another ${outputName}`
      : `wait for it, or give another ${outputName}; if it was killed, remove ${path}`
  throw new UserError(
    `${output}: another sae (process ${pid} on ${host}, since ${started}) writes there; ${advice}`,
  )
}

function parse(text: string): Holder | undefined {
  try {
    const { pid, birth, host, started } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>
    if (typeof pid !== 'number' || typeof birth !== 'string') return undefined
    if (typeof host !== 'string' || typeof started !== 'string') return undefined
    return { pid, birth, host, started }
  } catch {
    return undefined
  }
}
