import { describe, expect, it } from 'vitest'
import { inTurn, type Stages } from '../../../src/sae/training/pipelined-steps.js'

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2))

/** Stages that note what happens when; item 9 fails if asked to. */
function recorder(overlap: boolean, failing?: 'load' | 'submit' | 'result' | 'finish') {
  const events: string[] = []
  const note = (stage: string, item: number) => {
    events.push(`${stage} ${item}`)
    if (stage === failing && item === 9) throw new Error(`${stage} failed`)
  }
  const stages: Stages<number, number, number, number> = {
    load: async (item) => {
      note('load', item)
      await pause()
      return 10 * item
    },
    submit: async (item, data) => {
      await pause()
      note('submit', item)
      const result = async () => {
        await pause()
        note('result', item)
        return data + 1
      }
      return { result: result() }
    },
    finish: (item, result, seconds) => {
      expect(seconds).toBeGreaterThan(0)
      note('finish', item)
      return result
    },
    overlaps: () => overlap,
  }
  return { events, stages }
}

async function collect(
  items: readonly number[],
  { stages }: ReturnType<typeof recorder>,
  stopAfter = Infinity,
) {
  const stop = new AbortController()
  const results: number[] = []
  for await (const result of inTurn(items, stages, stop.signal)) {
    results.push(result)
    if (results.length === stopAfter) stop.abort()
  }
  return results
}

describe('items in turn', () => {
  it('come one after the other, each loaded while the previous one is in flight', async () => {
    const run = recorder(false)
    expect(await collect([1, 2], run)).toEqual([11, 21])
    expect(run.events.filter((event) => !event.startsWith('result'))).toEqual([
      ...['load 1', 'submit 1', 'load 2', 'finish 1', 'submit 2', 'finish 2'],
    ])
  })

  it('overlap if they may, two at a time', async () => {
    const run = recorder(true)
    expect(await collect([1, 2, 3], run)).toEqual([11, 21, 31])
    expect(run.events.filter((event) => !event.startsWith('result'))).toEqual([
      ...['load 1', 'submit 1', 'load 2', 'submit 2', 'load 3', 'finish 1', 'submit 3'],
      ...['finish 2', 'finish 3'],
    ])
    expect(await collect([], recorder(true))).toEqual([])
    expect(await collect([1], recorder(true))).toEqual([11])
  })

  it('overlap only if both may', async () => {
    const run = recorder(true)
    const stages = { ...run.stages, overlaps: (_: number, next: number) => next !== 3 }
    expect(await collect([1, 2, 3, 4], { ...run, stages })).toEqual([11, 21, 31, 41])
    expect(run.events.indexOf('finish 2')).toBeLessThan(run.events.indexOf('submit 3'))
    expect(run.events.indexOf('submit 4')).toBeLessThan(run.events.indexOf('finish 3'))
  })

  it('end with the step in flight when the signal comes', async () => {
    const overlapping = recorder(true)
    expect(await collect([1, 2, 3, 4], overlapping, 1)).toEqual([11, 21])
    expect(overlapping.events).not.toContain('submit 3')
    const sequential = recorder(false)
    expect(await collect([1, 2, 3, 4], sequential, 1)).toEqual([11])
    expect(sequential.events).not.toContain('submit 2')
  })

  it('finish the step in flight when the loop is left', async () => {
    const { events, stages } = recorder(true)
    for await (const result of inTurn([1, 2, 3], stages)) {
      expect(result).toBe(11)
      break
    }
    expect(events.at(-1)).toBe('finish 2')
    expect(events).not.toContain('submit 3')
  })

  it.each(['load', 'submit', 'result', 'finish'] as const)('pass on that %s failed', async (stage) => {
    for (const overlap of [false, true]) {
      for (const items of [[9], [9, 1, 2], [1, 9, 2], [1, 2, 9]])
        await expect(collect(items, recorder(overlap, stage))).rejects.toThrow(`${stage} failed`)
    }
  })
})
