// npm run bench:static [-- SIZE]: every kernel of an SAE step, compiled by Mesa's AMD driver for a GPU that need not be
// there: registers, waves, the share of multiply-adds in the inner loop, bytes; and from them a bound for named GPUs.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publish, short, type Row } from './harness.js'
import { boundOf, namedGpus, type Bound } from './static/bounds.js'
import { marker, type Compiled, type StaticDispatch } from './static/compile-kernels.js'
import { parseMachineCode, shareOf, type MachineCode } from './static/machine-code.js'

/** The newest family whose null device Dawn can open; it has no f16. */
const family = 'polaris10'
const [size = '80x96x112'] = process.argv.slice(2)
if (!/^\d+x\d+x\d+$/.test(size)) fail(`bench:static takes a size such as 80x96x112, not "${size}"`)

const { compiled, codes } = compileAll()
const { where, kernels, dispatches } = compiled
const groups = kernels.map((name, kernel) => ({
  name,
  code: codes[kernel]!,
  dispatches: dispatches.filter((dispatch) => dispatch.kernel === kernel),
}))
const reference = namedGpus.find(({ name }) => name.includes('RX 580'))!
const rows = groups
  .map((group) => ({ group, seconds: total(group.dispatches, reference) }))
  .sort((a, b) => b.seconds - a.seconds)
  .map(({ group, seconds }) => kernelRow(group, seconds))
const bounds = namedGpus.map((gpu): Row => {
  const parts = dispatches.map((dispatch) => boundOf(dispatch, codes[dispatch.kernel]!, gpu))
  const sum = (part: (bound: Bound) => number) => parts.reduce((all, bound) => all + part(bound), 0)
  return {
    GPU: gpu.name,
    'TFLOP/s': short(gpu.flops / 1e12),
    'GB/s': short(gpu.bandwidth / 1e9),
    'arithmetic ms': short(1e3 * sum(({ arithmetic }) => arithmetic)),
    'memory ms': short(1e3 * sum(({ memory }) => memory)),
    'bound ms': short(1e3 * sum(({ arithmetic, memory }) => Math.max(arithmetic, memory))),
  }
})
const command = process.argv.length > 2 ? `bench:static -- ${size}` : 'bench:static'
const settings = { ...where, adapter: `${where.adapter}, compiled for and not run` }
publish(
  'static',
  `Kernels of an SAE step at ${size}, as machine code`,
  settings,
  rows,
  undefined,
  `\`share\` is that of the multiply-adds among the vector instructions of the innermost loop, \`useful\` that of the multiply-adds whose result is kept. \`latency\` and \`inverse\` are the compiler's estimates of clock cycles per wave. Bytes and multiply-adds are those of all dispatches of the kernel; the last column is the bound below.`,
  command,
)
publish(
  'static-bounds',
  `Bounds for an SAE step at ${size}`,
  settings,
  bounds,
  undefined,
  'Times that no driver can undercut, not predictions: every instruction at the peak rate of the data sheet, every byte moved once, no launch costs. The instructions are those of the AMD compiler.',
  command,
)

interface KernelGroup {
  readonly name: string
  readonly code: MachineCode
  readonly dispatches: readonly StaticDispatch[]
}

function kernelRow({ name, code, dispatches }: KernelGroup, seconds: number): Row {
  const sum = (count: (dispatch: StaticDispatch) => number) =>
    dispatches.reduce((all, dispatch) => all + count(dispatch), 0)
  const useful = sum(({ products }) => products?.useful ?? 0)
  const computed = sum(({ products }) => products?.computed ?? 0)
  const percent = (part: number | undefined) => (part === undefined ? '' : `${(100 * part).toFixed(0)} %`)
  return {
    op: [...new Set(dispatches.map(({ op }) => op))].join(', '),
    kernel: name,
    'largest in': [...dispatches].sort((a, b) => b.bytes - a.bytes)[0]!.layer,
    times: dispatches.length,
    VGPR: code.vgprs,
    SGPR: code.sgprs,
    spills: code.spills,
    waves: code.waves,
    instructions: code.instructions,
    bytes: code.bytes,
    latency: code.latency,
    inverse: code.inverseThroughput,
    'multiply-adds of loop': code.loop ? code.loop.multiplyAdds : '',
    share: code.loop && code.loop.multiplyAdds > 0 ? percent(shareOf(code.loop)) : '',
    useful: computed === 0 ? '' : percent(useful / computed),
    GFLOP: useful === 0 ? '' : short((2 * useful) / 1e9),
    MB: short(sum(({ bytes }) => bytes) / 1e6),
    [`${reference.name} ms`]: short(1e3 * seconds),
  }
}

function total(dispatches: readonly StaticDispatch[], gpu: (typeof namedGpus)[number]): number {
  return dispatches
    .map((dispatch) => boundOf(dispatch, codes[dispatch.kernel]!, gpu))
    .reduce((sum, { arithmetic, memory }) => sum + Math.max(arithmetic, memory), 0)
}

/** Compiles in a process of its own, whose stderr is the driver's. */
function compileAll(): { readonly compiled: Compiled; readonly codes: readonly MachineCode[] } {
  const folder = mkdtempSync(join(tmpdir(), 'sae-static-'))
  // Into a file: a pipe that is full loses what the driver writes.
  const log = join(folder, 'driver.log')
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('static/compile-kernels.ts', import.meta.url)), size],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', openSync(log, 'w')],
      env: {
        ...process.env,
        VK_DRIVER_FILES: driverFile(),
        RADV_FORCE_FAMILY: family,
        RADV_DEBUG: 'shaderstats,asm,nocache',
      },
    },
  )
  const printed = readFileSync(log, 'utf8')
  rmSync(folder, { recursive: true })
  if (status !== 0) {
    const reason =
      /^\w*Error: (.*)$/m.exec(printed)?.[1] ?? `it ended with ${signal ?? `status ${status ?? 0}`}`
    fail(`cannot compile for ${family}: ${reason}`)
  }
  const texts = printed.split(new RegExp(`^${marker}`, 'm')).slice(1)
  const compiled = JSON.parse(stdout) as Compiled
  // A kernel that several dispatches share is compiled before the first: only then does the driver print anything.
  const codes = compiled.kernels.map((_, kernel) =>
    parseMachineCode(texts.filter((text) => text.startsWith(`${kernel}\n`)).join('')),
  )
  return { compiled, codes }
}

/** Where the Vulkan loader finds Mesa's AMD driver. */
function driverFile(): string {
  for (const folder of ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']) {
    const file = existsSync(folder) && readdirSync(folder).find((entry) => /^radeon_icd.*\.json$/.test(entry))
    if (file) return join(folder, file)
  }
  return fail("bench:static needs Mesa's AMD driver, RADV, on Linux: install mesa-vulkan-drivers 25 or later")
}

function fail(message: string): never {
  console.error(`error: ${message}`)
  process.exit(2)
}
