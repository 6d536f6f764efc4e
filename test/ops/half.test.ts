/**
 * Every op with its volumes stored as f16, forward and backward, against the same in f32; and the same bits from any
 * window. What goes into an op and what comes out of it pass through additions, because inputs and results of a plan
 * are always f32.
 */
import { describe, expect, it, vi } from 'vitest'
import { accumulate } from '../../src/graph/accumulate.js'
import { customGradient } from '../../src/graph/custom-gradient.js'
import { gradients } from '../../src/graph/gradients.js'
import type { Precision } from '../../src/plan/storage.js'
import { constant, type Value } from '../../src/graph/value.js'
import { embedded } from '../shader-sources.js'
import { storedBindings } from '../../src/gpu/shader.js'
import * as ops from '../../src/ops/index.js'
import { evaluate, needHalves, useGpu, withBindingLimit, withOtherTiles, type Feeds } from '../gpu.js'
import { map, relativeError, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectSameBits } from './check.js'

const device = useGpu()
const draw = drawFrom(16)

interface Case {
  /** Shapes of the arguments. `prior` is drawn from (0, 1); of five axes all but `prior` are stored as f16. */
  readonly feeds: Readonly<Record<string, readonly number[]>>
  readonly wanted: readonly string[]
  /** Largest relative error of a gradient. Default 5e-3: those of a softmax are what is left of terms that cancel. */
  readonly tolerance?: number
  /** A volume or a scalar. */
  readonly build: (values: Record<string, Value>) => Value
}

const odd = [2, 5, 7, 9, 13]
const even = [2, 5, 6, 9, 16]

const unary = (shape: readonly number[], build: (x: Value) => Value): Case => ({
  feeds: { x: shape },
  wanted: ['x'],
  build: ({ x }) => build(x!),
})

const withPrior = (build: (x: Value, prior: Value) => Value): Case => ({
  feeds: { x: odd, prior: odd },
  wanted: ['x'],
  build: ({ x, prior }) => build(x!, prior!),
})

function convolution(volume: readonly number[], kernel: readonly number[], activation: ops.Activation): Case {
  return {
    feeds: { x: volume, w: [6, volume[1]!, ...kernel], b: [6] },
    wanted: ['x', 'w', 'b'],
    build: ({ x, w, b }) => ops.conv3d(x!, w!, b, { activation, padding: 'same' }),
  }
}

/** A convolution of stride 2 and a transposed one back. */
function strided(volume: readonly number[]): Case {
  return {
    feeds: { x: volume, first: [6, volume[1]!, 3, 3, 3], second: [6, 3, 2, 2, 2] },
    wanted: ['x', 'first', 'second'],
    build: ({ x, first, second }) =>
      ops.convTranspose3d(ops.conv3d(x!, first!, undefined, { stride: 2, padding: 1 }), second!, undefined, {
        stride: 2,
      }),
  }
}

/** A convolution of an upsampled volume and a skip connection, between two others: how a U-Net goes up. */
function upwards(skip: readonly number[]): Case {
  const coarse = [skip[0]!, 2, ...skip.slice(2).map((n) => n / 2)]
  return {
    feeds: { coarse, skip, first: [2, 2, 1, 1, 1], second: [3, 4, 3, 1, 3], third: [2, 3, 1, 3, 1] },
    wanted: ['coarse', 'skip', 'first', 'second', 'third'],
    // What a ReLU reads may have another sign after rounding.
    tolerance: 2e-2,
    build: ({ coarse, skip, first, second, third }) => {
      const relu = { activation: 'relu', padding: 'same' } as const
      const before = ops.conv3d(skip!, first!, undefined, relu)
      return ops.conv3d(
        ops.conv3d({ coarse: coarse!, skip: before }, second!, undefined, relu),
        third!,
        undefined,
        relu,
      )
    },
  }
}

function labels(activation: ops.Activation, width: number): Case {
  return {
    feeds: { x: [2, 5, 7, 9, width], w: [3, 5, 3, 3, 3], b: [3] },
    wanted: ['w', 'b'],
    build: ({ x, w, b }) => ops.labelConv3d(ops.argmax(x!), w!, b, { activation }),
  }
}

const cases: Record<string, Case> = {
  conv3d: convolution(odd, [3, 3, 3], 'relu'),
  'conv3d, vec4 rows': convolution(even, [3, 3, 3], 'sigmoid'),
  'conv3d 1x1x1': convolution(odd, [1, 1, 1], 'none'),
  'conv3d of an upsampled volume': upwards([2, 2, 6, 10, 22]),
  'conv3d of an upsampled volume, vec4 rows': upwards([2, 2, 6, 10, 24]),
  label_conv3d: labels('sigmoid', 13),
  'label_conv3d, vec4 rows': labels('relu', 16),
  max_pool3d: unary(odd, ops.maxPool3d),
  upsample_nearest: unary([2, 5, 4, 5, 7], ops.upsampleNearest),
  concat: unary([2, 3, 7, 9, 13], (x) => ops.concat([x, x])),
  'fit, larger': unary(odd, (x) => ops.fit(x, [9, 11, 14])),
  'fit, smaller': unary(odd, (x) => ops.fit(x, [5, 8, 12])),
  relu: unary(odd, ops.relu),
  'relu, vec4s': unary(even, ops.relu),
  softmax: unary(odd, ops.softmax),
  log_sum_exp: unary(odd, ops.logSumExp),
  support_mask: withPrior((x, prior) => ops.softmax(ops.supportMask(x, prior, 0.3))),
  add_log_prior: withPrior((x, prior) => ops.addLogPrior(x, prior, 0.1)),
  mixture_posterior: {
    ...withPrior((scan, prior) => {
      const factors = constant('factors', [2, 11, 5], new Float32Array(110).fill(0.3))
      const counts = [1, 1, 1, 1, 1]
      return ops.softmax(ops.mixturePosterior(scan, ops.softmax(prior), { factors, counts }, { least: 0.1 }))
    }),
    wanted: [],
  },
  log_softmax: withPrior((x, prior) => ops.klDivergence(ops.logSoftmax(ops.supportMask(x, prior)), prior)),
  'posterior and sample': withPrior((x, prior) => {
    const { probabilities, sample } = ops.posterior(x, prior, prior)
    return accumulate(probabilities, ops.labelConv3d(sample, table(5)))
  }),
  'divergence of the posterior': withPrior((x, prior) => ops.posterior(x, prior, prior).divergence),
  gumbel_softmax: withPrior((x, prior) => ops.gumbelSoftmax(x, prior, { hard: false })),
  instance_norm: unary(odd, (x) => ops.instanceNorm(x)),
  'instance_norm, ReLU': unary(odd, (x) => ops.instanceNorm(x, { activation: 'relu' })),
  'instance_norm, ReLU, vec4s': unary(even, (x) => ops.instanceNorm(x, { activation: 'relu' })),
  cross_entropy: withPrior((x, target) => ops.crossEntropy(x, target)),
  sum: unary(odd, ops.sum),
  dot: unary(odd, (x) => ops.dot(x, accumulate(x, x))),
  squared_error: withPrior(ops.squaredError),
  'squared_error, vec4s': unary(even, (x) => ops.squaredError(x, ops.relu(x))),
  'mrf_message, k = 5': unary(odd, (x) => ops.mrfMessage(x, table(5), 5)),
  'mrf_message, k = 5, vec4 rows': unary(even, (x) => ops.mrfMessage(x, table(5), 5)),
  'mrf_message, k = 21': unary(odd, (x) => ops.mrfMessage(x, table(5), 21)),
  'mrf_energy, k = 3': unary(odd, (x) => ops.mrfEnergy(x, table(5), 3)),
  'mrf_energy, k = 3, vec4 rows': unary(even, (x) => ops.mrfEnergy(x, table(5), 3)),
  'mrf_energy, k = 5': unary(odd, (x) => ops.mrfEnergy(x, table(5), 5)),
  'concat of rows': unary([2, 3, 7, 9, 13], (x) => ops.concat([x, x], 3)),
  transpose: unary(odd, (x) => ops.transpose(x, [0, 1, 2, 4, 3])),
  slice: unary(odd, (x) => ops.slice(x, { starts: [1, 0], steps: [2, 3], axes: [2, 4] })),
  'slice, vec4s': unary(even, (x) => ops.slice(x, { starts: [1], axes: [1] })),
  pad: unary(odd, (x) => ops.pad(x, [[1, 1], [0, 1], [1, 0]], { value: 0.5 })), // prettier-ignore
  gather: unary(odd, (x) => ops.gather(x, constant('taken', [6], Uint32Array.of(0, 4, 4, 1, 2, 0)), 1)),
  'softmax of rows': unary(odd, (x) => ops.softmax(x, 3)),
  'conv3d and conv_transpose3d, stride 2': strided(odd),
  'conv3d and conv_transpose3d, stride 2, vec4 rows': strided(even),
}

/** A table whose numbers all have one sign, so that messages do not cancel. */
function table(classes: number): Value {
  const numbers = Float32Array.from({ length: classes ** 2 }, (_, i) => 0.01 + 0.1 * Math.sin(i) ** 2)
  return constant('table', [classes, classes], numbers)
}

/** Numbers that f16 has too: the largest of a window, say, is the same one then. */
function drawHalves(shape: readonly number[], largest: number): NdArray {
  return map(draw(shape, -largest, largest), (x) => Math.round(x * 512) / 512)
}

const weights = ['w', 'first', 'second', 'third']

/** The bindings that were stored as f16, by shader. */
const used = new Map<string, Set<string>>()

describe('an op stored as f16', () => {
  it.for(Object.entries(cases))('%s', async ([, { feeds, wanted, build, tolerance = 5e-3 }], context) => {
    needHalves(device.gpu, context)
    const arrays = Object.fromEntries(
      Object.entries(feeds).map(([name, shape]) => [
        name,
        name === 'prior' ? draw(shape, 0.001, 0.999) : drawHalves(shape, weights.includes(name) ? 0.25 : 1),
      ]),
    )
    const get = vi.spyOn(device.gpu.pipelines, 'get')
    const half = await run(arrays, wanted, build, 'f16')
    // Hardware takes some kernels that a driver of the CPU does not.
    const other = await withOtherTiles(device.gpu, () => run(arrays, wanted, build, 'f16'))
    for (const [{ shader, half }] of get.mock.calls) used.set(shader.name, union(used.get(shader.name), half))
    get.mockRestore()
    const full = await run(arrays, wanted, build, 'f32')
    for (const [name, array] of Object.entries(full)) {
      const most = name === 'output' ? 1e-3 : tolerance
      expect(relativeError(half[name]!, array), name).toBeLessThan(most)
      expect(relativeError(other[name]!, array), `${name}, other tiles`).toBeLessThan(most)
      expect(
        array.data.some((value) => value !== 0),
        name,
      ).toBe(true)
    }
    const cut = await withBindingLimit(device.gpu, 28672, () => run(arrays, wanted, build, 'f16'))
    for (const [name, array] of Object.entries(half)) expectSameBits(cut[name]!, array, name)
  })

  it('stores every binding as f16 that a shader says may be', (context) => {
    needHalves(device.gpu, context)
    for (const shader of Object.values(embedded)) {
      // Strips of a sweep only: see test/plan/storage.test.ts.
      if (shader.name === 'elementwise/move') continue
      expect([...(used.get(shader.name) ?? [])].sort(), shader.name).toEqual(
        [...storedBindings(shader)].sort(),
      )
    }
  })
})

/** A quadratic form of a volume whose gradient is stored as f16; that of `dot` is not. */
const energy = (volume: Value): Value =>
  customGradient(
    { volume },
    ({ volume }) => ops.dot(volume, ops.neighbourSums(volume, 3)),
    () => ({ volume: accumulate(ops.neighbourSums(volume, 3), ops.neighbourSums(volume, 3)) }),
  )

/** The output, and the gradients of its energy, which is as large as the output squared, or of itself. */
async function run(
  feeds: Feeds,
  wanted: readonly string[],
  build: Case['build'],
  storage: Precision,
): Promise<Record<string, NdArray>> {
  return evaluate(
    device.gpu,
    feeds,
    (values) => {
      const stored = Object.entries(values).map(([name, value]) => [
        name,
        value.layout === 'volume' && name !== 'prior' ? accumulate(value, value) : value,
      ])
      const output = build(Object.fromEntries(stored) as Record<string, Value>)
      const isVolume = output.layout === 'volume'
      const loss = isVolume ? energy(output) : output
      const grads = gradients(
        loss,
        wanted.map((name) => values[name]!),
      )
      return Object.fromEntries([
        ['output', isVolume ? accumulate(output, output) : output],
        ...wanted.map((name, i) => [`gradient of ${name}`, grads[i]!] as const),
      ])
    },
    weights,
    { storage },
  )
}

function union(known: ReadonlySet<string> | undefined, more: readonly string[] = []): Set<string> {
  return new Set([...(known ?? []), ...more])
}
