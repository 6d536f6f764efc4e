import { expect, it } from 'vitest'
import type { DataSet } from '../../examples/web/src/data-set.js'
import { Keeper } from '../../examples/web/src/keeper.js'
import type { EngineEvent } from '../../examples/web/src/protocol.js'
import type { Run } from '../../examples/web/src/run.js'
import type { Storage } from '../../examples/web/src/storage.js'

const data: DataSet = { id: 'd', description: 'one scan', scans: [], knowledge: undefined, notes: [] }
const run = { current: {}, checkpoint: () => Promise.resolve(new Uint8Array(1)) } as unknown as Run

/** What the page is told of two epochs, and how often a run is saved, if the n-th attempt to save does this. */
async function twoEpochs(save: (attempt: number) => Promise<void>) {
  const events: EngineEvent[] = []
  let attempts = 0
  const storage = { saveData: () => Promise.resolve(), saveRun: () => save(++attempts) } as unknown as Storage
  const keeper = new Keeper(storage, data, (event) => events.push(event))
  await keeper.keepData()
  await keeper.keep(run)
  await keeper.keep(run)
  return { events, attempts }
}

it('says after every epoch that a run is saved', async () => {
  const { events } = await twoEpochs(() => Promise.resolve())
  expect(events).toEqual([{ type: 'saved' }, { type: 'saved' }])
})

it('says once that a run cannot be saved, and never that it is', async () => {
  const { events, attempts } = await twoEpochs(() => Promise.reject(new Error('no space left')))
  expect(events).toEqual([{ type: 'notSaved', reason: 'no space left' }])
  expect(attempts).toBe(1)
})
