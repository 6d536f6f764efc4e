/** The same core in Firefox, and how promptly it answers there. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { CoreResult } from './core.js'
import { expectReferences } from './expect-references.js'
import { expectSameTraining } from './expect-same-training.js'
import { findFirefox, inFirefox, missingFirefox } from './firefox.js'
import type { Latency } from './latency.js'
import { inNode } from './places.js'

const firefox = findFirefox()
if (!firefox) console.warn(missingFirefox)

describe.skipIf(!firefox)('the core in Firefox', () => {
  let result: CoreResult
  let latency: Latency
  beforeAll(async () => {
    const posted = await inFirefox(firefox!)
    if ('error' in posted) throw new Error(posted.error)
    ;({ core: result, latency } = posted)
    console.log(`Firefox: ${result.adapter}; features ${result.features.join(', ')}`)
    console.log(
      `median of an awaited run: ${latency.prompt} ms; ${latency.plain} ms with the browser's own await`,
    )
  })

  it('agrees with the references, the noise to the last bit', () => expectReferences(result))

  it('trains as Node does', async () => {
    expectSameTraining(result, await inNode())
  })

  it('answers within a few task turns', () => {
    expect(latency.prompt).toBeLessThan(50)
    expect(latency.prompt).toBeLessThan(latency.plain)
  })
})
