/** Runs graphs of named arrays on a device. Isomorphic: the browser tests bundle it. */
import { compile, type CompileOptions } from '../src/plan/compile.js'
import { gradients } from '../src/graph/gradients.js'
import { input, parameter, type Value } from '../src/graph/value.js'
import type { Gpu } from '../src/gpu/gpu.js'
import { dot } from '../src/ops/index.js'
import { fromArray, type NdArray } from './reference/nd-array.js'

/** Whole numbers, which are fed as u32. */
export interface UintArray {
  readonly shape: readonly number[]
  readonly data: Uint32Array
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
