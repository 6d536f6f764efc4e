import { compile } from '../../src/plan/compile.js'
import { gradients } from '../../src/graph/gradients.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import type { TensorFile } from '../../src/io/safetensors.js'
import {
  conv3d,
  dot,
  instanceNorm,
  logSoftmax,
  maxPool3d,
  mrfEnergy,
  upsampleNearest,
} from '../../src/ops/index.js'
import { logMrfTable } from '../../src/sae/prior/mrf-table.js'
import type { Builder } from './builder.js'
import type { Configuration } from './configurations.js'
import { convolutions } from './convolutions.js'
import { layers } from './layers.js'
import { checkOptimiser } from './optimisers.js'
import { GoldenReport, type GoldenRow } from './report.js'
import { relativeError } from './step.js'

const tolerance = 1e-5

const builders: readonly Builder[] = [
  ...convolutions,
  ...layers,
  {
    name: /^conv3d_\d/,
    wanted: ['x', 'w', 'b'],
    build: ({ x, w, b }) => conv3d(x!, w!, b, { padding: 'same' }),
  },
  { name: /^maxpool3d/, wanted: ['x'], build: ({ x }) => maxPool3d(x!) },
  { name: /^upsample_nearest/, wanted: ['x'], build: ({ x }) => upsampleNearest(x!) },
  { name: /^instancenorm3d/, wanted: ['x'], build: ({ x }) => instanceNorm(x!) },
  { name: /^log_softmax/, wanted: ['x'], build: ({ x }) => logSoftmax(x!), scale: 20 },
  {
    name: /^mrf_k\d+/,
    wanted: ['pi'],
    build: ({ pi, table }, name) => mrfEnergy(pi!, table!, Number(/\d+$/.exec(name)![0])),
  },
]

/** Runs every operation of a golden `ops` file forward and backward on the GPU; one row an operation. */
export async function checkOps(
  gpu: Gpu,
  { tensors }: TensorFile,
  options: Configuration['options'] = {},
): Promise<GoldenRow[]> {
  const report = new GoldenReport()
  const names = new Set([...tensors.keys()].map((name) => name.split('.')[0]!))
  for (const name of names) {
    if (await checkOptimiser(gpu, report, name, { tensors })) continue
    const builder = builders.find((candidate) => candidate.name.test(name))
    if (!builder) {
      report.add(`${name} (unknown)`, Infinity, tolerance)
      continue
    }
    const tensor = (field: string) => {
      const found = tensors.get(`${name}.${field}`)
      return found && { shape: found.shape, data: Float32Array.from(found.data as Float32Array) }
    }
    await checkOne(gpu, report, name, builder, tensor, options)
  }
  return report.rows
}

async function checkOne(
  gpu: Gpu,
  report: GoldenReport,
  name: string,
  { wanted, build, scale = 1 }: Builder,
  tensor: (field: string) => { shape: readonly number[]; data: Float32Array } | undefined,
  options: Configuration['options'],
): Promise<void> {
  const values: Record<string, Value> = {}
  const inputs = new Map<Value, Float32Array | Uint32Array>()
  const labels = tensor('labels')
  if (labels) {
    values.labels = input('labels', labels.shape, { dtype: 'u32' })
    inputs.set(values.labels, Uint32Array.from(labels.data))
  }
  for (const field of ['x', 'w', 'b', 'pi', 'gout', 'table']) {
    const found = tensor(field)
    if (!found) continue
    const data =
      field === 'table'
        ? logMrfTable(Float64Array.from(found.data))
        : field === 'x'
          ? found.data.map((v) => v * scale)
          : found.data
    if (found.shape.length === 5 && field !== 'w') {
      values[field] = input(field, found.shape)
      inputs.set(values[field], data)
    } else {
      values[field] = parameter(field, found.shape, data)
    }
  }
  const output = build(values, name)
  const grads = gradients(
    dot(output, values.gout!),
    wanted.map((field) => values[field]!),
  )
  const plan = await compile(gpu, { outputs: [output, ...grads], ...options })
  try {
    for (const [value, data] of inputs) plan.write(value, data)
    await plan.run()
    report.add(name, relativeError(await plan.read(output), tensor('out')!.data), tolerance)
    for (const [i, field] of wanted.entries()) {
      const grad = (await plan.read(grads[i]!)).map((v) => v * scale)
      report.add(name, relativeError(grad, tensor(`g${field}`)!.data), tolerance)
    }
  } finally {
    plan.dispose()
  }
}
