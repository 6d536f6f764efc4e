import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'
import { writeNpy } from '../src/io/npy.js'
import { median, short, type Row } from './harness.js'
import { numbers } from './ops/case.js'

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const classes = 14

/** The first step of a run, by recipe: the line that reports it. */
const firstSteps = [
  { recipe: 'default', step: 'of the decoder', line: /^decoder epoch/ },
  { recipe: 'paper', step: 'of the whole model', line: /^epoch/ },
] as const

/**
 * Times the first step of `sae train` on synthetic data, from the start of its process to the line that reports the step:
 * once with empty shader caches, then `repeats` times with the caches that this left. The build in dist/ must be up to
 * date.
 */
export async function measureFirstStep(
  extents: readonly [number, number, number],
  repeats = 3,
): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'first-step-'))
  try {
    const voxels = extents.reduce((a, b) => a * b)
    const prior = new Float32Array(classes * voxels).fill(1 / classes)
    const files = { scan: join(folder, 'scan.npy'), prior: join(folder, 'prior.npy') }
    writeFileSync(files.scan, writeNpy({ shape: extents, data: numbers(voxels, 1) }))
    writeFileSync(files.prior, writeNpy({ shape: [classes, ...extents], data: prior }))
    const rows: Row[] = []
    for (const { recipe, step, line } of firstSteps) {
      const cache = join(folder, `cache-${recipe}`)
      const measure = () => secondsUntil(line, files, recipe, join(folder, 'run'), cache)
      const cold = await measure()
      const warm: number[] = []
      for (let i = 0; i < repeats; i++) warm.push(await measure())
      const what = { size: extents.join('x'), recipe, 'first step': step }
      rows.push(
        { ...what, caches: 'empty', seconds: short(cold) },
        { ...what, caches: `filled (median of ${repeats})`, seconds: short(median(warm)) },
      )
    }
    return rows
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Starts `sae train`; ends it when its stdout has the line. @returns seconds until then */
async function secondsUntil(
  line: RegExp,
  files: { scan: string; prior: string },
  recipe: string,
  output: string,
  cache: string,
): Promise<number> {
  const start = performance.now()
  const options = ['--prior', files.prior, '--recipe', recipe, '--epochs', '1', '-o', output]
  const child = spawn(process.execPath, [program, 'train', files.scan, ...options], {
    stdio: ['ignore', 'pipe', 'ignore'],
    // The caches of Mesa, NVIDIA, and any driver that uses the XDG folders.
    env: {
      ...process.env,
      MESA_SHADER_CACHE_DIR: cache,
      __GL_SHADER_DISK_CACHE_PATH: cache,
      XDG_CACHE_HOME: cache,
    },
  })
  const exit = once(child, 'exit')
  let seconds: number | undefined
  const printed: string[] = []
  for await (const text of createInterface({ input: child.stdout })) {
    printed.push(text)
    if (seconds !== undefined || !line.test(text)) continue
    seconds = (performance.now() - start) / 1000
    child.kill('SIGKILL')
  }
  await exit
  rmSync(output, { recursive: true, force: true })
  if (seconds === undefined)
    throw new Error(`sae train --recipe ${recipe} reported no step:\n${printed.join('\n')}`)
  return seconds
}
