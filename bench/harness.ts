import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Benchmark from 'benchmark'
import type { Gpu } from '../src/gpu/gpu.js'

const results = fileURLToPath(new URL('results', import.meta.url))

/**
 * Seconds that an asynchronous piece of work takes: the median of at least `samples` runs, after a warm-up run unless the
 * caller has already done one.
 */
export async function measure(
  name: string,
  work: () => Promise<unknown>,
  samples = 5,
  warm = false,
): Promise<number> {
  return median(await sample(name, work, samples, warm))
}

/** The seconds of each run that `measure` takes the median of. */
export async function sample(
  name: string,
  work: () => Promise<unknown>,
  samples = 5,
  warm = false,
): Promise<number[]> {
  if (!warm) await work()
  return new Promise((resolve, reject) => {
    new Benchmark(name, {
      defer: true,
      initCount: 1,
      minSamples: samples,
      maxTime: 2,
      fn: (deferred: { resolve: () => void }) => {
        work().then(() => {
          deferred.resolve()
        }, reject)
      },
      onComplete(this: Benchmark) {
        resolve(this.stats.sample)
      },
    }).run({ async: true })
  })
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Where and when the measurements were made. */
interface Provenance {
  readonly date: string
  readonly commit: string
  readonly adapter: string
  readonly driver: string
  readonly software: boolean
  readonly processor: string
  readonly node: string
}

export function provenance(gpu: Gpu): Provenance {
  const [first] = cpus()
  return {
    date: new Date().toISOString(),
    commit: process.env.SAE_COMMIT ?? commitOfClone(),
    adapter: gpu.adapter.name,
    driver: gpu.adapter.driver,
    software: gpu.adapter.software,
    processor: `${first?.model ?? 'unknown'} x ${cpus().length}`,
    node: process.version,
  }
}

/** The commit that is checked out; an archive made by tools/pack.mjs knows its own. */
function commitOfClone(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes'
  return git('rev-parse', '--short', 'HEAD') + changed
}

export type Row = Readonly<Record<string, string | number>>

/** Prints rows as a Markdown table. */
export function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const lines = rows.map((row) => `| ${columns.map((column) => String(row[column])).join(' | ')} |`)
  return [`| ${columns.join(' | ')} |`, `|${columns.map(() => '---').join('|')}|`, ...lines].join('\n')
}

/**
 * Writes results/NAME.json, NAME.md and, if a plot is given, NAME.svg; prints the table.
 *
 * @param notes explains the table, in one Markdown paragraph
 * @param command the npm script that printed it
 */
export function publish(
  name: string,
  title: string,
  where: Provenance,
  rows: readonly Row[],
  svg?: string,
  notes?: string,
  command = `bench:${name}`,
): void {
  mkdirSync(results, { recursive: true })
  const head = [
    `# ${title}`,
    '',
    `${where.adapter} (${where.software ? 'software' : 'hardware'}; ${where.driver}), ${where.processor}, Node ${where.node},`,
    `commit ${where.commit}, ${where.date}. Printed by \`npm run ${command}\`.`,
    ...(notes ? ['', notes] : []),
    '',
  ].join('\n')
  writeFileSync(join(results, `${name}.json`), JSON.stringify({ title, ...where, rows }, null, 2) + '\n')
  writeFileSync(
    join(results, `${name}.md`),
    `${head}\n${table(rows)}\n${svg ? `\n![${title}](${name}.svg)\n` : ''}`,
  )
  if (svg) writeFileSync(join(results, `${name}.svg`), svg)
  console.log(`\n${head}\n${table(rows)}`)
}

/** A number with three significant digits. */
export function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
