import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { trendOfSecondHalf } from './trend.js'
import { constant, flat } from './verdict.js'

const program = fileURLToPath(new URL('../../tools/soak.ts', import.meta.url))
const run = promisify(execFile)

/** `npm run test:soak` works much longer. This is long enough for memory to stop growing, as it does at first, in the first half. */
it('nothing grows or changes over a short run', async () => {
  const amounts = ['--steps', '120', '--segmentations', '80', '--devices', '5', '--pair', '10']
  const ending = run(process.execPath, ['--import', 'tsx', program, ...amounts])
  // A process that ends with another code than 0 has printed as well.
  const { stdout } = await ending.catch((error: unknown) => error as { stdout: string })
  const lines = stdout.trim().split('\n').slice(1)
  expect(lines.filter((line) => !line.startsWith('ok   '))).toEqual([])
  expect(lines).toHaveLength(15)
})

describe('what a run is judged by', () => {
  const grows = (slope: number) =>
    Array.from({ length: 40 }, (_, i) => ({ at: 10 * i, value: 100 + slope * 10 * i + (i % 2) }))

  it('is a straight line through the second half', () => {
    const samples = [1, 9, 4, 2, 3, 4, 5].map((value, i) => ({ at: 2 * i, value }))
    expect(trendOfSecondHalf(samples)).toEqual({ slope: 0.5, error: 0 })
  })

  it('fails on growth beyond its limit, and only then', () => {
    const judge = (slope: number) =>
      flat('memory', { samples: grows(slope), unit: 'MB', per: 'step', limit: 8 }).passed
    expect([-1, 0, 0.03, 0.06, 1].map(judge)).toEqual([true, true, true, false, false])
  })

  it('takes a limit as a share of the median', () => {
    const judge = (slope: number) =>
      flat('time', { samples: grows(slope), unit: 'ms', per: 'step', limit: 0.25, relative: true }).passed
    expect([0, 0.1, 0.5].map(judge)).toEqual([true, true, false])
  })

  it('fails on a count that changes once', () => {
    const samples = grows(0).map(({ at }) => ({ at, value: at === 200 ? 8 : 7 }))
    expect(constant('buffers', samples)).toEqual({ passed: false, line: 'buffers: 7 expected, 8 after 200' })
    expect(constant('buffers', samples.slice(0, 20)).passed).toBe(true)
  })
})
