import { afterAll, afterEach, beforeAll, beforeEach, expect, type TestContext } from 'vitest'
import { compile, type CompileOptions } from '../src/autograd/plan.js'
import { gradients } from '../src/autograd/gradients.js'
import { input, parameter, type Value } from '../src/autograd/value.js'
import type { Gpu } from '../src/gpu/gpu.js'
import { openGpu } from '../src/node/index.js'
import { dot } from '../src/ops/index.js'
import { fromArray, type NdArray } from './reference/nd-array.js'

/**
 * Opens the device of a test file (SAE_ADAPTER chooses) and puts an error scope and a count of live buffers around
 * every test: a validation error or a leaked buffer fails it.
 */
export function useGpu(): { readonly gpu: Gpu } {
  const holder: { gpu?: Gpu } = {}
  let buffersBefore = 0
  beforeAll(async () => {
    holder.gpu = await openGpu()
  })
  beforeEach(() => {
    buffersBefore = holder.gpu!.buffers.count
    holder.gpu!.device.pushErrorScope('validation')
    holder.gpu!.device.pushErrorScope('out-of-memory')
  })
  afterEach(async () => {
    const { gpu } = holder
    const errors = await gpu!.wait(Promise.all([gpu!.device.popErrorScope(), gpu!.device.popErrorScope()]))
    for (const error of errors) expect(error?.message).toBeUndefined()
    gpu!.check()
    expect(gpu!.buffers.count, 'live buffers').toBe(buffersBefore)
  })
  afterAll(() => {
    holder.gpu?.dispose()
  })
  return {
    get gpu() {
      return holder.gpu!
    },
  }
}

/**
 * Runs `body` as if the device bound at most `bytes` at once, so that small volumes are cut into many slabs.
 * The sum kernels need 16 KiB.
 */
export async function withBindingLimit<T>(gpu: Gpu, bytes: number, body: () => Promise<T>): Promise<T> {
  Object.defineProperty(gpu, 'bindingLimit', { value: bytes, configurable: true })
  try {
    return await body()
  } finally {
    Reflect.deleteProperty(gpu, 'bindingLimit')
  }
}

/** Runs `body` as if the device had no subgroups. */
export async function withoutSubgroups<T>(gpu: Gpu, body: () => Promise<T>): Promise<T> {
  Object.defineProperty(gpu, 'subgroupSize', { value: 0, configurable: true })
  try {
    return await body()
  } finally {
    Reflect.deleteProperty(gpu, 'subgroupSize')
  }
}

/** Skips a test, with the reason, on a device that cannot store f16. */
export function needHalves({ device, adapter }: Gpu, { skip }: TestContext): void {
  skip(!device.features.has('shader-f16'), `${adapter.name} has no shader-f16`)
}

/** Whole numbers, which are fed as u32. */
export interface UintArray {
  readonly shape: readonly number[]
  readonly data: Uint32Array
}

/** Runs `body` as if a driver of the CPU were hardware, or the other way round, so that kernels take other tiles. */
export async function withOtherTiles<T>(gpu: Gpu, body: () => Promise<T>): Promise<T> {
  const { software } = gpu.adapter
  Object.assign(gpu.adapter, { software: !software })
  try {
    return await body()
  } finally {
    Object.assign(gpu.adapter, { software })
  }
}

/** What `evaluate` and `differentiate` feed: volumes become inputs, other shapes flat parameters. */
export type Feeds = Readonly<Record<string, NdArray | UintArray>>

/** Builds a graph from named arrays, runs it once and returns its outputs. */
export async function evaluate<T extends Record<string, Value>>(
  gpu: Gpu,
  feeds: Feeds,
  build: (values: Record<string, Value>) => T,
  flat: readonly string[] = [],
  options: Pick<CompileOptions, 'storage'> = {},
): Promise<Record<keyof T, NdArray>> {
  const values = Object.fromEntries(
    Object.entries(feeds).map(([name, array]) => [name, declare(name, array, flat)]),
  )
  const outputs = build(values)
  const plan = await compile(gpu, { outputs: Object.values(outputs), ...options })
  try {
    for (const [name, value] of Object.entries(values)) {
      const { data } = feeds[name]!
      if (plan.reads(value)) plan.write(value, data instanceof Uint32Array ? data : Float32Array.from(data))
    }
    await plan.run()
    const results: Record<string, NdArray> = {}
    for (const [name, value] of Object.entries(outputs)) {
      const data = value.dtype === 'u32' ? await plan.readUint(value) : await plan.read(value)
      results[name] = fromArray([...value.shape], data)
    }
    return results as Record<keyof T, NdArray>
  } finally {
    plan.dispose()
  }
}

/**
 * Runs an op forward and backward: `output`, and the gradient of <gradOutput, output> with respect to each of `wanted`
 * under the name `grad <name>`.
 */
export async function differentiate(
  gpu: Gpu,
  feeds: Feeds,
  wanted: readonly string[],
  gradOutput: NdArray,
  build: (values: Record<string, Value>) => Value,
  flat: readonly string[] = [],
): Promise<Record<string, NdArray>> {
  return evaluate(
    gpu,
    { ...feeds, gradOutput },
    (values) => {
      const output = build(values)
      const grads = gradients(
        dot(output, values.gradOutput!),
        wanted.map((name) => values[name]!),
      )
      return Object.fromEntries([
        ['output', output],
        ...wanted.map((name, i) => [`grad ${name}`, grads[i]!] as const),
      ])
    },
    flat,
  )
}

function declare(name: string, { shape, data }: Feeds[string], flat: readonly string[]): Value {
  if (data instanceof Uint32Array) return input(name, shape, { dtype: 'u32' })
  if (shape.length === 5 && !flat.includes(name)) return input(name, shape)
  return parameter(name, shape, Float32Array.from(data))
}
