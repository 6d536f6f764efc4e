import { existsSync } from 'node:fs'
import { lstat, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../../errors.js'
import { removeLeftovers, writeFileAtomic } from '../../io/atomic-file.js'
import { codeOf, fileError } from '../../io/file-error.js'
import { encodeVolume } from '../../io/formats.js'
import type { LabelVolume, Volume } from '../../io/volume.js'
import type { VoxelType } from '../../io/voxel-type.js'
import { outputName } from '../program-name.js'
import { sha256 } from './file-digest.js'
import { requireUnlocked, takeLock } from './lock.js'
import { makeFolder, requireNoFolder, requireWritableFolder } from './output-folder.js'
import { noteFile, OutputRecord, type Origin } from './output-record.js'
import type { Shard } from '../cohort/shard.js'

/** What a command is about to write, and what it reads. */
interface Plan {
  readonly files: readonly string[]
  /** Those that the command brings up to date: replaced without being asked if they are as sae wrote them. */
  readonly renewed?: readonly string[]
  /** Those that the command line leaves out are undefined. */
  readonly inputs: readonly (string | undefined)[]
  /** Whether files that sae wrote before may be replaced. */
  readonly overwrite: boolean | undefined
  /** Whether the command goes on with the run that wrote them. */
  readonly goesOn?: boolean
}

/**
 * The rule for everything that sae writes: an input is never replaced, nor is a file that sae did not write or that was
 * changed since; one that it did write is replaced if that was asked for. Two processes do not write to one place at
 * the same time.
 */
export class Outputs {
  // A command that goes on after a lost device asks a second time.
  private isClaimed = false
  private isCleared = false

  private constructor(
    private readonly folder: string,
    private readonly lock: string,
    private readonly place: string,
    private readonly plan: Plan,
    private readonly option: string,
    /** Whether another lock of the folder keeps this command out. */
    private readonly excludes: (lock: string) => boolean = () => false,
  ) {}

  /** A folder that the command writes to alone, or with the other shards of its work. */
  static inFolder(folder: string, plan: Plan, shard?: Shard): Outputs {
    const name = shard ? `.sae-lock-${shard.index}-of-${shard.count}` : '.sae-lock'
    const excludes = (other: string): boolean =>
      /^\.sae-lock(-\d+-of-\d+)?$/.test(other) &&
      other !== name &&
      !(shard && other.endsWith(`-of-${shard.count}`))
    return new Outputs(folder, join(folder, name), folder, plan, outputName, excludes)
  }

  /** One file, and what lies beside it, in a folder that others may write to. */
  static ofFile(file: string, plan: Plan, option = '-o'): Outputs {
    const folder = dirname(file)
    return new Outputs(folder, join(folder, `.${basename(file)}.sae-lock`), file, plan, option)
  }

  /** Requires that all may be written, before anything is computed. @throws UserError with the first file in the way */
  async requireFree(): Promise<void> {
    requireWritableFolder(this.folder)
    await requireUnlocked(this.lock, this.place)
    await this.requireAlone()
    await this.requireReplaceable()
  }

  /**
   * Makes the folder, keeps other processes out of it until this one ends, and clears away what killed ones left.
   *
   * @throws UserError if another process is there, has written meanwhile, or the disk refuses
   */
  async claim(): Promise<void> {
    if (this.isClaimed) return
    makeFolder(this.folder)
    await takeLock(this.lock, this.place)
    await this.requireAlone()
    await removeLeftovers(this.folder)
    await this.requireReplaceable()
    this.isClaimed = true
  }

  /**
   * Removes what will be replaced, once it is claimed: files of two runs must not stand side by side if the new one is
   * killed. Not if the command goes on with the run that wrote them.
   *
   * @throws UserError if the disk refuses
   */
  async clear(): Promise<void> {
    if (this.plan.goesOn || this.isCleared) return
    this.isCleared = true
    for (const path of this.plan.files) {
      await rm(path, { force: true }).catch((error: unknown) => {
        throw fileError(error, path, 'cannot be removed')
      })
    }
  }

  private async requireAlone(): Promise<void> {
    if (!existsSync(this.folder)) return
    for (const name of await readdir(this.folder))
      if (this.excludes(name)) await requireUnlocked(join(this.folder, name), this.place)
  }

  private async requireReplaceable(): Promise<void> {
    const { files, renewed = [], inputs, overwrite = false, goesOn = false } = this.plan
    const taken = new Set<string>()
    for (const input of inputs) {
      const identity = input === undefined ? undefined : await identityOf(input)
      if (identity !== undefined) taken.add(identity)
    }
    for (const path of [...files, ...renewed]) {
      requireNoFolder(path, this.option)
      const identity = await identityOf(path)
      if (identity !== undefined && taken.has(identity)) {
        throw new UserError(`${path}: is an input of this command; give another ${this.option}`)
      }
      if ((identity === undefined && !(await isLink(path))) || goesOn) continue
      if (!(await isOwn(path))) {
        throw new UserError(
          `${path}: is there, and not as sae wrote it (another program's, or changed since), so it is never replaced; move it away, or give another ${this.option}`,
        )
      }
      if (!overwrite && !renewed.includes(path)) {
        throw new UserError(
          `${path}: is there already; give --overwrite to replace what sae wrote before, or another ${this.option}`,
        )
      }
    }
  }
}

/** Writes a file as a whole and notes that sae did. @throws UserError if the disk refuses */
export async function writeOutput(
  path: string,
  content: Uint8Array | string,
  origin?: Origin,
): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  await noteFile(path, { sha256: sha256(bytes), ...(origin ? { origin } : {}) })
  await writeFileAtomic(path, bytes)
}

/** Writes a volume in the format of its name, likewise. @throws UserError if a value does not fit, or the disk refuses */
export async function writeOutputVolume(
  path: string,
  volume: Volume | LabelVolume,
  type: VoxelType,
  origin?: Origin,
): Promise<void> {
  await writeOutput(path, encodeVolume(path, volume, type), origin)
}

/** Equal for two names of one file, whatever links and letters they are made of; undefined if there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    return `${dev} ${ino}`
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw fileError(error, path, 'cannot be looked at')
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink()
  } catch (error) {
    if (isAbsence(error)) return false
    throw fileError(error, path, 'cannot be looked at')
  }
}

/** Whether a file that is there is as sae wrote it. A link is not: who made it wants it kept. */
async function isOwn(path: string): Promise<boolean> {
  if ((await isLink(path)) || !(await stat(path)).isFile()) return false
  for (let tries = 0; tries < 3; tries++) {
    // A run beside this one may replace the file after the record was read.
    if (await (await OutputRecord.read(dirname(path))).holds(basename(path))) return true
  }
  return false
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')
}
