import { existsSync, readdirSync, readFileSync, rmSync, statSync, watch } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { readWeights } from '../../src/cli/inputs/weights-file.js'
import { Random } from '../../src/sae/phantom/random.js'
import type { Started, TinyRun } from './tiny-run.js'

/** What was found over all kills. */
export interface KillReport {
  readonly kills: number
  /** Kills that left a temporary file: in the middle of a write. */
  readonly whileWriting: number
  /** Runs that went on to their end in spite of their kills, with the bits of an uninterrupted one. */
  readonly finished: number
}

/** A run is killed so often, then goes on to its end. */
const killsOfARun = 12

/**
 * Kills a run of training (SIGKILL) and resumes it, again and again: half of the time at any moment of its life, half
 * of the time while it writes a file.
 *
 * @param whole an output folder of an uninterrupted run
 * @param seconds that took
 * @throws Error at the first file that is damaged, differs from the uninterrupted run, or stays behind
 */
export async function killRuns(
  run: TinyRun,
  whole: string,
  seconds: number,
  kills: number,
  seed: number,
): Promise<KillReport> {
  const random = new Random(seed)
  let done = 0
  let whileWriting = 0
  let finished = 0
  while (done < kills) {
    const output = `killed-${finished}`
    const folder = run.path(output)
    rmSync(folder, { recursive: true, force: true })
    for (let k = Math.min(killsOfARun, kills - done); k > 0; k--) {
      const before = noted(folder)
      const started = resume(run, output)
      if (!(await killSomewhere(started, folder, seconds, random))) break // it was faster
      done++
      const left = temporaries(folder)
      if (left.length > 0) whileWriting++
      const own = new RegExp(`^\\.${started.child.pid!}-`)
      const foreign = left.filter((name) => !own.test(name))
      // What is noted is noted after the folder was cleared.
      if (noted(folder) > before && foreign.length > 0)
        throw new Error(`not cleared away: ${foreign.join(', ')}`)
      await requireWhole(folder)
    }
    const { code, errors } = await resume(run, output).ending
    // A run that is killed after its last epoch has nothing to go on with.
    const over = errors.some((line) => line.includes('epochs are done'))
    if (code !== 0 && !over) throw new Error(`${output} ended with ${code}: ${errors.join('\n')}`)
    if (!over) requireNothingLeft(folder)
    requireEqual(run, output, whole)
    finished++
  }
  return { kills: done, whileWriting, finished }
}

function resume(run: TinyRun, output: string): Started {
  return existsSync(`${run.path(output)}/last.safetensors`)
    ? run.start(output, 'last')
    : run.start(output, 'beginning', '--overwrite')
}

/** @returns false if the process ended by itself before */
async function killSomewhere(
  { child, ending }: Started,
  folder: string,
  seconds: number,
  random: Random,
): Promise<boolean> {
  const moment = new AbortController()
  if (random.uniform() < 0.5) {
    await Promise.race([sleep(1000 * seconds * random.uniform()), ending])
  } else {
    const writes = 1 + Math.floor(60 * random.uniform())
    const inAWrite = nthWrite(folder, writes, moment.signal).then(() => nextTemporary(folder, moment.signal))
    await Promise.race([inAWrite, ending])
  }
  moment.abort()
  child.kill('SIGKILL')
  return (await ending).signal === 'SIGKILL'
}

/** Waits until so many temporary files have come or gone. */
async function nthWrite(folder: string, count: number, signal: AbortSignal): Promise<void> {
  while (!existsSync(folder) && !signal.aborted) await sleep(5)
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    let seen = 0
    const watcher = watch(folder, { signal }, (_, name) => {
      if (name?.endsWith('.sae-tmp') && ++seen === count) resolve()
    })
    watcher.once('close', resolve)
  })
}

/** Waits until a temporary file is there: looks as often as it can. */
async function nextTemporary(folder: string, signal: AbortSignal): Promise<void> {
  while (temporaries(folder).length === 0 && !signal.aborted) await new Promise(setImmediate)
}

function temporaries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.sae-tmp')) : []
}

/** The size of the record of files. */
function noted(folder: string): number {
  const record = `${folder}/.sae-files.jsonl`
  return existsSync(record) ? statSync(record).size : 0
}

/** Every file under its own name is one that can be read. */
async function requireWhole(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const path = `${folder}/${name}`
    if (name.endsWith('.safetensors')) {
      const { metadata } = await readWeights(path)
      if (metadata.checksum === undefined) throw new Error(`${path} has no checksum`)
    }
    if (name === 'run.json' || name === 'train-examples.json') JSON.parse(readFileSync(path, 'utf8'))
    if (name === 'train.csv' && !readFileSync(path, 'utf8').startsWith('epoch,step,loss,'))
      throw new Error(`${path} has no header`)
  }
}

export function requireNothingLeft(folder: string): void {
  const left = readdirSync(folder).filter((name) => name.endsWith('.sae-tmp') || name.endsWith('-lock'))
  if (left.length > 0) throw new Error(`left behind in ${folder}: ${left.join(', ')}`)
}

/** The bits of the weights, the cells of the log, but for the times, and the examples, but for that of the end. */
export function requireEqual(run: TinyRun, output: string, whole: string): void {
  for (const name of ['last.safetensors', 'best.safetensors']) {
    if (!run.read(output, name).equals(run.read(whole, name))) throw new Error(`${output}/${name} differs`)
  }
  if (JSON.stringify(run.log(output)) !== JSON.stringify(run.log(whole)))
    throw new Error(`${output}/train.csv differs`)
  if (JSON.stringify(run.examples(output)) !== JSON.stringify(run.examples(whole)))
    throw new Error(`${output}/train-examples.json differs`)
}
