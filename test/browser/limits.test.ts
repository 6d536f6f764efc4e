/**
 * The core on a device that asks for nothing: exactly the limits that WebGPU grants everywhere, which are those of many
 * a Chrome. The drivers of a CPU offer more, and would not notice a kernel that needs it.
 */
import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { compile } from '../../src/plan/compile.js'
import { optionalFeatures } from '../../src/gpu/open-device.js'
import { maxPool3d } from '../../src/ops/index.js'
import { defaultLimits, type DeviceWish } from '../device-wish.js'
import { openTestGpu } from '../gpu.js'
import * as maxPool from '../reference/max-pool3d.js'
import { findChromium, missingChromium } from './chromium.js'
import type { CoreResult } from './core.js'
import { expectReferences } from './expect-references.js'
import { inChromium, inNode } from './places.js'

const wishes: { name: string; wish: DeviceWish }[] = [
  { name: 'all features', wish: { limits: 'default', features: 'all' } },
  { name: 'no optional feature', wish: { limits: 'default', features: 'none' } },
]

const chromium = findChromium()
if (!chromium) console.warn(missingChromium)

describe.each(wishes)('default limits, $name', ({ wish }) => {
  const expectCore = async (result: CoreResult) => {
    expect(result.limits).toEqual(defaultLimits)
    if (wish.features === 'none') {
      for (const feature of optionalFeatures) expect(result.features).not.toContain(feature)
    }
    await expectReferences(result)
  }

  it('in Node', async () => {
    await expectCore(await inNode(wish))
  })

  it.skipIf(!chromium)('in a Chromium page', async () => {
    await expectCore(await inChromium(chromium!, 'inPage', wish))
  })
})

it('a volume wider than the 128 MiB that may be bound', async () => {
  const gpu = await openTestGpu({ limits: 'default', features: 'all' })
  const shape = [1, 1, 17, 1024, 2048]
  const size = 17 * 1024 * 2048
  expect(gpu.bindingLimit).toBe(2 ** 27)
  expect(4 * size).toBeGreaterThan(gpu.bindingLimit)
  // Differs from one plane to the next, and from one voxel to the next.
  const data = Float32Array.from({ length: size }, (_, i) => (i * 7919) % 10007)
  const x = input('x', shape)
  const y = maxPool3d(x)
  const plan = await compile(gpu, { outputs: [y] })
  try {
    plan.write(x, data)
    await plan.run()
    const pooled = await plan.read(y)
    const expected = maxPool.forward({ shape, data: Float64Array.from(data) }).data
    expect(pooled.length).toBe(expected.length)
    expect(expected.findIndex((value, i) => pooled[i] !== value)).toBe(-1)
  } finally {
    plan.dispose()
    gpu.dispose()
  }
})
