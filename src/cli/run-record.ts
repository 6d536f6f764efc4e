import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AdapterSummary } from '../gpu/gpu.js'
import { readText, writeFileAtomic } from '../io/files.js'
import { adapterKind } from '../node/adapters.js'
import { besideVolume } from './file-names.js'

/** A file that a run has read. */
export interface Input {
  /** What it was to the run: `scan`, `labels`, `prior`, `weights`. */
  readonly role: string
  readonly path: string
}

/** What a command knows of its own run. */
export interface Run {
  /** `pretrain`, `train`, `segment` or `em`. */
  readonly command: string
  /** Every option, defaults included. */
  readonly options: object
  /** What they became, if that is something else. */
  readonly settings?: object
  readonly inputs: readonly Input[]
  readonly adapter: AdapterSummary
  /** The exit code that a signal asks for; undefined if the run came to its end. */
  readonly interrupted?: number | undefined
  /** What came out: numbers by name, and the assessment of each scan. */
  readonly figures: Readonly<Record<string, unknown>>
}

/** Raised when a reader of `run.json` has to know that its form has changed. */
const schema = 1

/**
 * Adds a run to `run.json` in its output folder, which lists all runs that wrote there, oldest first; docs/assessment.md
 * describes it. If that name is taken by a file of another kind, `run-1.json` and so on are used.
 *
 * Two runs that end in one folder at the same moment may lose one of the entries, never the file.
 *
 * @returns the path
 * @throws UserError if the disk refuses
 */
export async function recordRun(folder: string, run: Run): Promise<string> {
  const { command, options, settings, inputs, adapter, interrupted, figures } = run
  const { path, runs } = await findRecord(folder)
  const start = performance.timeOrigin // of the process, which is that of the command
  const end = Date.now()
  const entry = {
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
  const text = JSON.stringify({ schema, runs: [...runs, entry] }, roundNumbers, 2)
  await writeFileAtomic(path, new TextEncoder().encode(`${text}\n`))
  return path
}

/** The record to add to: the first of run.json, run-1.json and so on that is one of reasonable size, or is not there. */
async function findRecord(folder: string): Promise<{ path: string; runs: unknown[] }> {
  for (let n = 0; ; n++) {
    const path = join(folder, n === 0 ? 'run.json' : `run-${n}.json`)
    if (!existsSync(path)) return { path, runs: [] }
    const record = parse(await readText(path).catch(() => '')) as { schema?: unknown; runs?: unknown }
    if (record.schema === schema && Array.isArray(record.runs))
      return { path, runs: record.runs as unknown[] }
  }
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

/** Size and SHA-256 of a file, read piece by piece; null if it is gone by now. */
async function digest(path: string): Promise<{ bytes: number | null; sha256: string | null }> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      hash.update(piece)
      bytes += piece.length
    }
  } catch {
    return { bytes: null, sha256: null }
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** How a prior was made, as the file beside it says, without the table of classes. */
async function recipeOf(prior: string): Promise<object | undefined> {
  const path = besideVolume(prior, '.json')
  if (!existsSync(path)) return undefined
  const entries = Object.entries(parse(await readText(path).catch(() => '')))
  return Object.fromEntries(entries.filter(([name]) => name !== 'classes' && name !== 'rest'))
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url)
  const versionIn = (file: string): string => (require(file) as { version: string }).version
  return {
    'sae-webgpu': versionIn('../../package.json'),
    node: process.versions.node,
    webgpu: versionIn('webgpu/package.json'),
  }
}

/** Numbers to seven digits: single precision has no more. JSON has no infinity and no NaN. */
function roundNumbers(_: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : String(value)
}
