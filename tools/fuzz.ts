import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'
import { formats } from '../test/fuzz/formats.js'
import { runCases, type Tally } from '../test/fuzz/run-cases.js'

/** The report of a format's process to its parent. */
interface Outcome extends Tally {
  readonly peakBytes: number
}

/** Fifty cases take at most a second; `runCases` itself fails a case that takes 2 s. */
const longestSilence = 20_000
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    child: { type: 'boolean', default: false },
  },
})
const [cases, seed, first] = [options.cases, options.seed, options.first].map(Number) as [
  number,
  number,
  number,
]

if (options.child) {
  const tally = await runCases(positionals[0]!, { cases, seed, first }, tell)
  await tell({ ...tally, peakBytes: process.resourceUsage().maxRSS * 1024 } satisfies Outcome)
  process.disconnect()
} else {
  const asked = positionals.length > 0 ? positionals : Object.keys(formats)
  console.log(`${cases} cases a format, seed ${seed}`)
  for (const format of asked) {
    const { accepted, refused, slowest, peakBytes, failures } = await watch(format)
    const megabytes = (peakBytes / 1e6).toFixed(0)
    console.log(
      `${format}: ${accepted + refused} cases, ${accepted} accepted, ${refused} refused, slowest ${slowest.toFixed(0)} ms, peak ${megabytes} MB`,
    )
    for (const failure of failures) console.error(failure)
    if (failures.length > 0) process.exitCode = 1
  }
}

/** Sends a message to the parent process; resolves once it is sent. */
function tell(message: number | Outcome): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

/** Runs the cases of a format in a child process, and kills it if a case does not end. */
function watch(format: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const args = [
      format,
      '--child',
      '--cases',
      String(cases),
      '--seed',
      String(seed),
      '--first',
      String(first),
    ]
    const child = fork(new URL(import.meta.url), args, {
      execArgv: ['--import', 'tsx', '--max-old-space-size=512'],
    })
    let current = first
    let outcome: Outcome | undefined
    const patience = setTimeout(() => child.kill('SIGKILL'), longestSilence)
    child.on('message', (message: number | Outcome) => {
      patience.refresh()
      if (typeof message === 'number') current = message
      else outcome = message
    })
    child.on('exit', (code, signal) => {
      clearTimeout(patience)
      const failure = `${format} case ${current} of seed ${seed}, or one of the 49 after it: the process ended (${signal ?? `exit code ${code}`})`
      resolve(
        outcome ?? { cases, accepted: 0, refused: 0, slowest: Infinity, peakBytes: NaN, failures: [failure] },
      )
    })
  })
}
