import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { writeNpy } from '../src/io/npy.js'
import { median, short, type Row } from './harness.js'
import { numbers } from './ops/case.js'

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const classes = 14

/**
 * Times one step of `sae train` on synthetic data, in its own process, from start to exit: once with empty shader caches,
 * then `repeats` times with the caches that this left. The build in dist/ must be up to date.
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
    const cold = await run(files, folder)
    const warm: Started[] = []
    for (let i = 0; i < repeats; i++) warm.push(await run(files, folder))
    const size = extents.join('x')
    return [
      { size, caches: 'empty', ...columns(cold) },
      {
        size,
        caches: `filled (median of ${repeats})`,
        ...columns({
          total: median(warm.map(({ total }) => total)),
          compiling: median(warm.map(({ compiling }) => compiling)),
        }),
      },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Started {
  /** Seconds from the start of the process to its exit. */
  readonly total: number
  /** Compile time in seconds, as the command prints it. */
  readonly compiling: number
}

async function run(files: { scan: string; prior: string }, folder: string): Promise<Started> {
  const output = join(folder, 'run')
  const cache = join(folder, 'cache')
  const start = performance.now()
  const { stderr } = await promisify(execFile)(
    process.execPath,
    [program, 'train', files.scan, '--prior', files.prior, '--epochs', '1', '-o', output],
    // The caches of Mesa, NVIDIA, and any driver that uses the XDG folders.
    {
      env: {
        ...process.env,
        MESA_SHADER_CACHE_DIR: cache,
        __GL_SHADER_DISK_CACHE_PATH: cache,
        XDG_CACHE_HOME: cache,
      },
    },
  )
  const total = (performance.now() - start) / 1000
  const compiling = Number(/compiled in ([\d.]+) s/.exec(stderr)?.[1])
  rmSync(output, { recursive: true, force: true })
  return { total, compiling }
}

function columns({ total, compiling }: Started): Row {
  return { 'process s': short(total), 'of it compiling s': short(compiling) }
}
