import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AdapterSummary } from '../../gpu/gpu.js'
import { readText, writeFileAtomic } from '../../io/files.js'
import { adapterKind } from '../../node/adapters.js'
import { fileDigest } from '../outputs/file-digest.js'
import { exclusively } from '../outputs/lock.js'
import { tablePath } from '../prior/prior-file.js'
import { programName } from '../program-name.js'

/** A file that a run read. */
export interface Input {
  /** What it was to the run: `scan`, `validation scan`, `labels`, `prior`, `weights`. */
  readonly role: string
  readonly path: string
}

/** What a command knows about its own run. */
export interface Run {
  /** `pretrain`, `train`, `segment` or `em`. */
  readonly command: string
  /** Every option, defaults included. */
  readonly options: object
  /** The settings they led to, if these differ. */
  readonly settings?: object
  readonly inputs: readonly Input[]
  readonly adapter: AdapterSummary
  /** The exit code if a signal ended the run; undefined if it reached its end. */
  readonly interrupted?: number | undefined
  /** The results: numbers by name, and the assessment of each scan. */
  readonly figures: Readonly<Record<string, unknown>>
}

/** Incremented when a change of form could break readers of `run.json`. */
const schema = 1

/**
 * Adds a run to `run.json` in its output folder, which lists all runs that wrote there, oldest first; docs/assessment.md
 * describes it. If a file of another kind has that name, `run-1.json` and so on are used.
 *
 * @returns the path
 * @throws UserError if it cannot be written
 */
export async function recordRun(folder: string, run: Run): Promise<string> {
  const { command, options, settings, inputs, adapter, interrupted, figures } = run
  const start = performance.timeOrigin // of the process, which is that of the command
  const end = Date.now()
  const entry = {
    program: programName,
    command,
    arguments: process.argv.slice(2),
    folder: process.cwd(),
    started: new Date(start).toISOString(),
    ended: new Date(end).toISOString(),
    seconds: Math.round(end - start) / 1000,
    interrupted: interrupted !== undefined,
    versions: versions(),
    platform: `${process.platform} ${process.arch}`,
    adapter: { ...adapter, kind: adapterKind(adapter) },
    options,
    settings,
    inputs: await describeInputs(inputs),
    figures,
  }
  return exclusively(folder, async () => {
    const { path, record } = await findRecord(folder)
    const text = JSON.stringify({ ...record, runs: [...record.runs, entry] }, roundNumbers, 2)
    await writeFileAtomic(path, new TextEncoder().encode(`${text}\n`))
    return path
  })
}

/** The record to add to: the first of run.json, run-1.json and so on that is a record of reasonable size or does not exist. */
async function findRecord(folder: string): Promise<{ path: string; record: RunRecord }> {
  for (let n = 0; ; n++) {
    const path = join(folder, n === 0 ? 'run.json' : `run-${n}.json`)
    if (!existsSync(path)) return { path, record: { schema, runs: [] } }
    const record = parse(await readText(path).catch(() => ''))
    if (isRunRecord(record)) return { path, record }
  }
}

/** Whatever else somebody has added to it stays. */
interface RunRecord {
  readonly schema: number
  readonly runs: readonly unknown[]
}

function isRunRecord(record: Partial<RunRecord>): record is RunRecord {
  return record.schema === schema && Array.isArray(record.runs)
}

function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

async function describeInputs(inputs: readonly Input[]) {
  const described = []
  for (const { role, path } of inputs) {
    const recipe = role === 'prior' ? await recipeOf(path) : undefined
    described.push({ role, path, ...(await digest(path)), ...(recipe ? { recipe } : {}) })
  }
  return described
}

/** Size and SHA-256 of a file; null if the file is gone. */
async function digest(path: string): Promise<{ bytes: number | null; sha256: string | null }> {
  try {
    return await fileDigest(path)
  } catch {
    return { bytes: null, sha256: null }
  }
}

/** How a prior was made, as the file beside it says, without the table of classes. */
async function recipeOf(prior: string): Promise<object | undefined> {
  const path = tablePath(prior)
  if (!existsSync(path)) return undefined
  const entries = Object.entries(parse(await readText(path).catch(() => '')))
  return Object.fromEntries(entries.filter(([name]) => name !== 'classes' && name !== 'rest'))
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url)
  const versionIn = (file: string): string => (require(file) as { version: string }).version
  return {
    'sae-webgpu': versionIn('../../../package.json'),
    node: process.versions.node,
    webgpu: versionIn('webgpu/package.json'),
  }
}

/** Numbers to seven digits: single precision has no more. JSON has no infinity and no NaN. */
function roundNumbers(_: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : String(value)
}
