/** The same core in Node, in a thread of Node, in a page and in a Web Worker. */
import { beforeAll, describe, it } from 'vitest'
import { findChromium, missingChromium } from './chromium.js'
import type { CoreResult } from './core.js'
import { expectReferences } from './expect-references.js'
import { expectSameTraining } from './expect-same-training.js'
import { inChromium, inNode, inNodeWorker } from './places.js'

const chromium = findChromium()
if (!chromium) console.warn(missingChromium)

const places: { place: string; skip: boolean; run: () => Promise<CoreResult> }[] = [
  { place: 'a Node worker thread', skip: false, run: inNodeWorkerBesideThis },
  { place: 'a Chromium page', skip: !chromium, run: () => inChromium(chromium!, 'inPage') },
  { place: 'a Chromium Web Worker', skip: !chromium, run: () => inChromium(chromium!, 'inWorker') },
]

describe('the core', () => {
  let inThisThread: CoreResult
  beforeAll(async () => {
    inThisThread = await inNode()
  })

  it('in Node agrees with the references', async () => {
    await expectReferences(inThisThread)
  })

  for (const { place, skip, run } of places) {
    describe.skipIf(skip)(`in ${place}`, () => {
      let result: CoreResult
      beforeAll(async () => {
        result = await run()
        console.log(`${place}: ${result.adapter}; worst row ${describeWorst(result)}`)
      })

      it('agrees with the references, the noise to the last bit', () => expectReferences(result))

      it('trains as Node does', () => {
        expectSameTraining(result, inThisThread)
      })
    })
  }
})

/** While a device of this thread is at work too. */
async function inNodeWorkerBesideThis(): Promise<CoreResult> {
  const [result] = await Promise.all([inNodeWorker(), inNode()])
  return result
}

function describeWorst({ rows }: CoreResult): string {
  const share = ({ error, tolerance }: CoreResult['rows'][number]) =>
    tolerance === 0 ? 0 : error / tolerance
  const { name, error, tolerance } = rows.reduce((a, b) => (share(b) > share(a) ? b : a))
  return `${name}: ${error.toExponential(1)} of ${tolerance}`
}
