/**
 * The core of the library as one check that runs in any environment and returns plain data. Isomorphic: only the
 * library's own isomorphic code and the float64 references.
 */
import { compile } from '../../src/plan/compile.js'
import { input } from '../../src/graph/value.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { uniformNoise } from '../../src/ops/index.js'
import { defaultLimits } from '../device-wish.js'
import { checkAdam } from './adam-check.js'
import { runChecks, type Row } from './checks.js'
import { train, type TrainingResult } from './training.js'

export type { Row, TrainingResult }

/** What an environment made of the core. */
export interface CoreResult {
  readonly adapter: string
  readonly features: readonly string[]
  /** Those of the device that `defaultLimits` names. */
  readonly limits: Readonly<Record<string, number>>
  readonly rows: readonly Row[]
  readonly training: TrainingResult
  /** SHA-256 of the bits of `hashedNoise`. */
  readonly noise: string
}

/** The draw of `uniformNoise` whose bits are compared between environments. */
export const hashedNoise = { shape: [2, 14, 7, 11, 13], seed: 0xfffffff1, step: 12345 } as const

/** Runs everything on one device, which stays the caller's. */
export async function runCore(gpu: Gpu): Promise<CoreResult> {
  const before = gpu.buffers.count
  const result: CoreResult = {
    adapter: gpu.adapter.name,
    features: [...gpu.device.features].sort(),
    limits: Object.fromEntries(limitNames.map((name) => [name, gpu.device.limits[name]])),
    rows: [...(await runChecks(gpu)), ...(await checkAdam(gpu))],
    training: await train(gpu),
    noise: await hash(await drawNoise(gpu)),
  }
  gpu.check()
  if (gpu.buffers.count !== before) throw new Error(`core: ${gpu.buffers.count - before} buffers leaked`)
  return result
}

const limitNames = Object.keys(defaultLimits) as (keyof typeof defaultLimits)[]

async function drawNoise(gpu: Gpu): Promise<Float32Array<ArrayBuffer>> {
  const counter = input('counter', [2], { dtype: 'u32' })
  const noise = uniformNoise(hashedNoise.shape, counter)
  const plan = await compile(gpu, { outputs: [noise] })
  try {
    plan.write(counter, Uint32Array.of(hashedNoise.seed, hashedNoise.step))
    await plan.run()
    return new Float32Array(await plan.read(noise))
  } finally {
    plan.dispose()
  }
}

/** SHA-256 of the bits of the numbers, in hexadecimal. */
export async function hash(values: Float32Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', values)
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
