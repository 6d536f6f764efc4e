// npm run bench:against -- COMMIT [SIZE]: whole SAE steps of an earlier commit and of this one, in turn, so that slow minutes
// of a shared machine hit both; prints the median of each and their ratio. Uncommitted changes are not measured.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median, short } from './harness.js'

/** Pairs of runs; each run is a process of its own and prints the median of several steps. */
const rounds = 5

const repository = fileURLToPath(new URL('..', import.meta.url))
const [before, size = '48x64x64'] = process.argv.slice(2)
if (before === undefined) {
  console.error('error: name a commit: npm run bench:against -- COMMIT [SIZE]')
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'sae-against-'))
const names = ['before', 'after'] as const
const seconds = { before: [] as number[], after: [] as number[] }
try {
  for (const [i, commit] of [before, 'HEAD'].entries()) checkOut(join(folder, names[i]!), commit)
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? names : names.toReversed()
    for (const name of order) seconds[name].push(secondsOfStep(join(folder, name)))
    console.log(
      `round ${round + 1}: ${names.map((name) => `${name} ${short(seconds[name].at(-1)!)} s`).join(', ')}`,
    )
  }
} finally {
  for (const name of names) remove(join(folder, name))
  rmSync(folder, { recursive: true, force: true })
}
const ratios = seconds.after.map((value, i) => value / seconds.before[i]!)
console.log(
  `${size}: ${before} ${short(median(seconds.before))} s, HEAD ${short(median(seconds.after))} s; ratio ${short(median(ratios))} (${ratios.map(short).join(', ')})`,
)

function checkOut(path: string, commit: string): void {
  git('worktree', 'add', '--quiet', '--detach', path, commit)
  // Its own packages. The build that `npm ci` would run is not needed, and may fail with another compiler.
  for (const command of ['ci --ignore-scripts --no-audit --no-fund', 'rebuild webgpu', 'run embed'])
    execFileSync('npm', command.split(' '), { cwd: path, stdio: ['ignore', 'ignore', 'inherit'] })
}

function secondsOfStep(path: string): number {
  const output = execFileSync(join(path, 'node_modules', '.bin', 'tsx'), ['bench/step.ts', size], {
    cwd: path,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const step = /'step s': '?([\d.]+)/.exec(output)?.[1]
  if (step === undefined) throw new Error(`bench/step.ts of ${path} printed no time:\n${output}`)
  return Number(step)
}

function remove(path: string): void {
  try {
    git('worktree', 'remove', '--force', path)
  } catch {
    // It was never made.
  }
}

function git(...args: string[]): void {
  execFileSync('git', args, { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] })
}
