import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { median, sample as timeRuns } from '../harness.js'
import type { Extents, Tensor, WorkName } from './work.js'

/** A job for a peer. */
export interface Job {
  readonly peer: string
  readonly work: WorkName
  readonly extents: Extents
  readonly tensors: Readonly<Record<string, Tensor>>
  /** Folder for its results. */
  readonly out: string
}

/** The benchmark's messages to a peer, one JSON line each. */
export type Request = { readonly check: Job } | { readonly time: true }

/** A peer's answers, one JSON line each, on file descriptor 3, because libraries print on the others. */
export interface Reply {
  readonly error?: string
  /** The median of its runs. */
  readonly milliseconds?: number | undefined
  /** The fastest of them. */
  readonly bestMilliseconds?: number | undefined
  /** Those of its own settings that it chose because they are fastest. */
  readonly setting?: string | undefined
  /** Peak memory of the process. */
  readonly processBytes?: number | undefined
  /** Peak memory in GPU buffers during timing. */
  readonly bufferBytes?: number | undefined
}

/** A piece of work, ready to run. */
export interface Task {
  /** Runs once and returns everything to compare, by name. */
  readonly results: () => Promise<Readonly<Record<string, Float32Array>>>
  /** Runs once and waits for the end. */
  readonly run: () => Promise<unknown>
  readonly bufferBytes?: () => number
}

/** Seconds; a longer run is timed only once: its noise is relatively small, and more runs would take too long. */
const longRun = 10

/** Answers the benchmark's requests, inside a child process. */
export function serve(prepare: (job: Job) => Promise<Task>): void {
  let task: Task | undefined
  const answer = async (request: Request): Promise<Reply> => {
    if ('check' in request) {
      task = await prepare(request.check)
      for (const [name, data] of Object.entries(await task.results()))
        writeFileSync(join(request.check.out, `${name}.f32`), sample(data))
      return {}
    }
    const { run, bufferBytes } = task!
    const seconds = await time(run)
    return {
      milliseconds: 1000 * median(seconds),
      bestMilliseconds: 1000 * Math.min(...seconds),
      processBytes: process.resourceUsage().maxRSS * 1024,
      ...(bufferBytes ? { bufferBytes: bufferBytes() } : {}),
    }
  }
  process.on('uncaughtException', fail)
  createInterface({ input: process.stdin }).on('line', (line) => {
    answer(JSON.parse(line) as Request).then(reply, fail)
  })
  // A device may keep the event loop alive for ever.
  process.stdin.on('end', () => process.exit(0))
}

/** Reports an error of the peer and exits. */
export function fail(error: unknown): never {
  reply({ error: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}

/** The contents of a tensor of the job, NCDHW. */
export function load(job: Job, name: string): Float32Array {
  const tensor = job.tensors[name]
  if (!tensor) throw new Error(`no tensor ${name} for ${job.work}`)
  const bytes = readFileSync(tensor.file)
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}

function reply(message: Reply): void {
  writeSync(3, JSON.stringify(message) + '\n')
}

/** About a million elements, evenly spread: enough to compare. pytorch.py samples the same elements. */
function sample(data: Float32Array): Float32Array {
  const stride = Math.ceil(data.length / 1e6)
  return stride === 1
    ? data
    : Float32Array.from({ length: Math.ceil(data.length / stride) }, (_, i) => data[i * stride]!)
}

/** Seconds of each run. */
async function time(run: () => Promise<unknown>): Promise<number[]> {
  // The check was the first run, which compiles; this is the second.
  const start = performance.now()
  await run()
  const seconds = (performance.now() - start) / 1000
  return seconds > longRun ? [seconds] : timeRuns('peer', run, 3, true)
}
