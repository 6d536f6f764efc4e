import { compile } from '../../src/plan/compile.js'
import { gradients } from '../../src/graph/gradients.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import * as ops from '../../src/ops/index.js'
import * as conv3d from '../../test/reference/conv3d.js'
import * as instanceNorm from '../../test/reference/instance-norm.js'
import * as maxPool3d from '../../test/reference/max-pool3d.js'
import { fromArray, relativeError, type NdArray } from '../../test/reference/nd-array.js'
import * as neighbourSums from '../../test/reference/neighbour-sums.js'
import { softmax, softmaxBackward } from '../../test/reference/softmax.js'
import { numbers } from './case.js'

const tolerance = 1e-5

/**
 * Compares the kernels with the float64 references on small odd and even shapes, so that no wrong kernel is timed. The
 * test suite does the same for every op, more thoroughly.
 *
 * @throws Error naming the op that is wrong
 */
export async function validate(gpu: Gpu): Promise<void> {
  for (const extents of [
    [5, 7, 9],
    [4, 6, 16],
  ]) {
    const x = array([1, 14, ...extents])
    const weight = array([14, 14, 3, 3, 3], 0.01)
    await check(
      gpu,
      'conv3d',
      { x, weight },
      (v) => ops.conv3d(v.x!, v.weight!, undefined, { padding: 'same' }),
      {
        output: () => conv3d.forward(x, weight, null),
        x: (g) => conv3d.backward(g, x, weight, null).gradInput,
        weight: (g) => conv3d.backward(g, x, weight, null).gradWeight,
      },
    )
    await check(gpu, 'softmax', { x }, (v) => ops.softmax(v.x!), {
      output: () => softmax(x),
      x: (g) => softmaxBackward(g, x).gradInput,
    })
    await check(gpu, 'max_pool3d', { x }, (v) => ops.maxPool3d(v.x!), {
      output: () => maxPool3d.forward(x),
      x: (g) => maxPool3d.backward(g, x).gradInput,
    })
    await check(gpu, 'instance_norm', { x }, (v) => ops.instanceNorm(v.x!), {
      output: () => instanceNorm.forward(x, null, null),
      x: (g) => instanceNorm.backward(g, x, null).gradInput,
    })
    for (const k of [3, 21]) {
      await check(gpu, `neighbour_sums ${k}`, { x }, (v) => ops.neighbourSums(v.x!, k), {
        output: () => neighbourSums.forward(x, k),
        x: (g) => neighbourSums.backward(g, k).gradPi,
      })
    }
  }
}

function array(shape: number[], scale = 1, phase = 0): NdArray {
  return fromArray(
    shape,
    numbers(
      shape.reduce((a, b) => a * b),
      scale,
      phase,
    ),
  )
}

async function check(
  gpu: Gpu,
  name: string,
  feeds: Readonly<Record<string, NdArray>>,
  build: (values: Record<string, Value>) => Value,
  expected: Readonly<Record<string, (gradOutput: NdArray) => NdArray>>,
): Promise<void> {
  const values = Object.fromEntries(
    Object.entries(feeds).map(([key, { shape, data }]) => [
      key,
      key === 'weight' ? parameter(key, shape, Float32Array.from(data)) : input(key, shape),
    ]),
  )
  const output = build(values)
  const incoming = input('incoming', output.shape)
  // Must differ from the input: otherwise instance normalisation's gradient would be nothing but rounding.
  const gradOutput = array([...output.shape], 1, 1)
  const wanted = Object.keys(expected).filter((key) => key !== 'output')
  const grads = gradients(
    ops.dot(output, incoming),
    wanted.map((key) => values[key]!),
  )
  const plan = await compile(gpu, { outputs: [output, ...grads] })
  for (const [key, value] of Object.entries(values)) {
    if (plan.reads(value)) plan.write(value, Float32Array.from(feeds[key]!.data))
  }
  plan.write(incoming, Float32Array.from(gradOutput.data))
  await plan.run()
  for (const [key, value] of [
    ['output', output] as const,
    ...wanted.map((key, i) => [key, grads[i]!] as const),
  ]) {
    const error = relativeError(await plan.read(value), expected[key]!(gradOutput))
    if (!(error <= tolerance))
      throw new Error(`${name}: ${key} is wrong, relative error ${error}; nothing is timed`)
  }
  plan.dispose()
}
