import type { Command } from 'commander'
import { optionalFeatures } from '../../gpu/open-device.js'
import {
  adapterVariable,
  chooseAdapter,
  findAdapters,
  readTileCache,
  summarise,
  tilesWanted,
  type FoundAdapter,
} from '../../node/index.js'
import { formatChecks, requireOk, selfCheck } from '../../self-check/index.js'
import { withGpu } from '../device.js'
import { terminalOf, type GlobalOptions } from '../options.js'
import type { Terminal } from '../terminal.js'

interface InfoOptions extends GlobalOptions {
  json?: boolean
  check?: boolean
}

/** Limits that decide what fits. */
const limits = [
  { key: 'maxStorageBufferBindingSize', text: 'largest binding', unit: 'MiB' },
  { key: 'maxBufferSize', text: 'largest buffer', unit: 'MiB' },
  { key: 'maxComputeWorkgroupStorageSize', text: 'workgroup memory', unit: 'KiB' },
  { key: 'maxComputeInvocationsPerWorkgroup', text: 'invocations per workgroup', unit: '' },
  { key: 'maxComputeWorkgroupsPerDimension', text: 'workgroups per dimension', unit: '' },
] as const

export function addInfo(program: Command): void {
  program
    .command('info')
    .summary('list the GPUs of this machine and which one is used')
    .description(
      `Lists the adapters of this machine, best first: hardware, then software drivers (lavapipe, then SwiftShader, which is a development dependency). All commands use the chosen one; choose another with --adapter or the environment variable ${adapterVariable}.`,
    )
    .option('--json', 'print JSON instead of text')
    .option(
      '--check',
      'test the chosen GPU instead: run every kind of kernel that training uses on small problems and compare it with double precision; one line per kind',
    )
    .addHelpText('after', '\nExample:\n  sae info --adapter lavapipe\n  sae info --check')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<InfoOptions>()
      if (options.check) {
        await check(options, terminalOf(command))
        return
      }
      const found = await findAdapters(true)
      const asked = options.adapter ?? process.env[adapterVariable]
      const chosen = chooseAdapter(found, asked)
      const reports = found.map((entry) => report(entry, entry === chosen, asked))
      terminalOf(command).print(
        options.json ? JSON.stringify(reports, undefined, 2) : reports.map(format).join('\n\n'),
      )
    })
}

/** @throws UserError if the device gets something wrong */
async function check(options: InfoOptions, terminal: Terminal): Promise<void> {
  await withGpu(options, terminal, async (gpu) => {
    const checks = await selfCheck(gpu)
    terminal.print(options.json ? JSON.stringify(checks, undefined, 2) : formatChecks(checks))
    requireOk(gpu, checks)
  })
}

function report(found: FoundAdapter, chosen: boolean, asked: string | undefined) {
  const summary = summarise(found)
  const { name, vendor, architecture, driver, software } = summary
  const tuned = tilesWanted('tuned') === 'tuned' ? readTileCache(summary) : undefined
  const { adapter, kind, backend } = found
  return {
    name,
    kind,
    software,
    chosen,
    why: chosen ? reason(found, asked) : undefined,
    vendor,
    architecture,
    driver,
    backend,
    tuned: tuned && { date: tuned.date, convolutions: tuned.tiles.length },
    features: [...adapter.features].sort(),
    limits: Object.fromEntries(limits.map(({ key }) => [key, adapter.limits[key]])),
  }
}

type Report = ReturnType<typeof report>

function reason({ kind }: FoundAdapter, asked: string | undefined): string {
  if (asked) return `matches "${asked}"`
  return kind === 'hardware'
    ? 'the first hardware adapter'
    : 'no hardware adapter found; the fastest software one'
}

function format({
  name,
  software,
  kind,
  why,
  driver,
  vendor,
  architecture,
  backend,
  tuned,
  features,
  limits: values,
}: Report): string {
  const size = (value: number, unit: string): string => {
    if (unit === '') return String(value)
    return `${Math.floor(value / (unit === 'MiB' ? 2 ** 20 : 2 ** 10))} ${unit}`
  }
  const lines = [
    ['kind', software ? `${kind} (software, runs on the CPU)` : kind],
    ['driver', [driver, `${vendor} ${architecture}`.trim()].filter(Boolean).join('; ')],
    ['backend', backend],
    ...limits.map(({ key, text, unit }) => [text, size(values[key]!, unit)]),
    [
      'tiles',
      tuned ? `tuned for ${tuned.convolutions} convolutions, ${tuned.date}` : 'default (see sae tune)',
    ],
    ['features used', optionalFeatures.filter((name) => features.includes(name)).join(' ') || 'none'],
  ] as [string, string][]
  const title = why === undefined ? name : `${name}  <- chosen: ${why}`
  return [title, ...lines.map(([label, text]) => `  ${label.padEnd(26)}${text}`)].join('\n')
}
