// npm run test:soak [-- --steps 2000 --segmentations 500 --devices 50 --pair 200]: runs for a long time in one process,
// and in two processes on one device, and prints a line for each quantity that must not grow or change. 0 skips a part.
import { parseArgs } from 'node:util'
import { UserError } from '../src/errors.js'
import { openGpu } from '../src/node/index.js'
import { openOften, segmentOften, trainLong } from '../test/soak/checks.js'
import { trainInPairs, trainWhenTold } from '../test/soak/pair.js'
import type { Verdict } from '../test/soak/verdict.js'

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '2000' },
    segmentations: { type: 'string', default: '500' },
    devices: { type: 'string', default: '50' },
    pair: { type: 'string', default: '200' },
    child: { type: 'string' },
  },
})

try {
  if (options.child !== undefined) await trainWhenTold(Number(options.child))
  else await soak()
} catch (error) {
  if (!(error instanceof UserError)) throw error
  console.error(error.message)
  process.exitCode = 2
}

async function soak(): Promise<void> {
  const steps = count('steps', 6, 2)
  const segmentations = count('segmentations', 5)
  const devices = count('devices', 5)
  const pair = count('pair', 2, 2)
  if (steps + segmentations > 0) {
    const gpu = await openGpu()
    console.log(gpu.adapter.name)
    if (steps > 0) report(await trainLong(gpu, steps))
    if (segmentations > 0) report(await segmentOften(gpu, segmentations))
    gpu.dispose()
  }
  if (devices > 0) report(await openOften(devices))
  if (pair > 0) report(await trainInPairs(new URL(import.meta.url), pair))
}

/** An amount of work: 0, or enough to estimate a slope. */
function count(name: 'steps' | 'segmentations' | 'devices' | 'pair', least: number, multiple = 1): number {
  const value = Number(options[name])
  if (value === 0 || (value >= least && value % multiple === 0)) return value
  const kind = multiple === 1 ? 'a whole' : 'an even'
  throw new UserError(`--${name} must be 0 or ${kind} number of at least ${least}, not ${options[name]}`)
}

function report(verdicts: readonly Verdict[]): void {
  for (const { passed, line } of verdicts) {
    console.log(`${passed ? 'ok  ' : 'FAIL'} ${line}`)
    if (!passed) process.exitCode = 1
  }
}
