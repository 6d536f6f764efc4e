/** How long an awaited result of a tiny plan takes. Isomorphic. */
import { compile } from '../../src/plan/compile.js'
import { input } from '../../src/graph/value.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { useDevice } from '../../src/gpu/use-device.js'
import { sum } from '../../src/ops/index.js'

/** Medians in milliseconds. */
export interface Latency {
  /** As the engine waits. */
  readonly prompt: number
  /** With the browser's own await. */
  readonly plain: number
}

const runs = 15

/** Times both ways of waiting on one device. */
export async function measureLatency(gpu: Gpu): Promise<Latency> {
  const plain = useDevice(gpu.device, { wait: (promise) => promise })
  try {
    return { prompt: await medianOfRuns(gpu), plain: await medianOfRuns(plain) }
  } finally {
    plain.dispose()
  }
}

async function medianOfRuns(gpu: Gpu): Promise<number> {
  const x = input('x', [8])
  const plan = await compile(gpu, { outputs: [], report: [sum(x)] })
  try {
    plan.write(x, new Float32Array(8))
    await plan.run() // compiles on some drivers
    const times: number[] = []
    for (let i = 0; i < runs; i++) {
      const start = performance.now()
      await plan.run()
      times.push(performance.now() - start)
    }
    return times.sort((a, b) => a - b)[(runs - 1) / 2]!
  } finally {
    plan.dispose()
  }
}
