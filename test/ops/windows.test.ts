/**
 * A device that binds little at once must give the bits of one that binds everything: each op, forward and backward,
 * cut into many slabs whose windows start off the 256-byte grid and straddle the batch, against the uncut run.
 */
import { describe, expect, it, vi } from 'vitest'
import { UserError } from '../../src/errors.js'
import { accumulate } from '../../src/graph/accumulate.js'
import { gradients } from '../../src/graph/gradients.js'
import { constant, input, type Value } from '../../src/graph/value.js'
import * as ops from '../../src/ops/index.js'
import { compile } from '../../src/plan/compile.js'
import { evaluate, useGpu, withBindingLimit, type Feeds } from '../gpu.js'
import type { NdArray } from '../reference/nd-array.js'
import { drawFrom, expectSameBits } from './check.js'

const device = useGpu()
const draw = drawFrom(16)

interface Case {
  /** The largest volume. Its planes [C, H, W] measure what is bound at once. */
  readonly volume: readonly number[]
  /** How many of them, in one run each. At least 16 KiB, which sums need. */
  readonly planes: readonly number[]
  /** Shapes of the arguments. */
  readonly feeds: Readonly<Record<string, readonly number[]>>
  readonly wanted: readonly string[]
  readonly build: (values: Record<string, Value>) => Value
}

/** 14 channels in two volumes of 7 planes: one plane is more than the 16 KiB. */
const wide = [2, 14, 7, 17, 19]
/** Planes that leave room for a halo. */
const narrow = [2, 5, 7, 11, 29]

/** A case of one volume argument x. */
const unary = (volume: readonly number[], planes: readonly number[], build: (x: Value) => Value): Case => ({
  volume,
  planes,
  feeds: { x: volume },
  wanted: ['x'],
  build: ({ x }) => build(x!),
})

/** A case of a volume x and a constant one of the same shape, with values in (0, 1). */
const withPrior = (build: (x: Value, prior: Value) => Value): Case => ({
  volume: wide,
  planes: [1, 3],
  feeds: { x: wide, prior: wide },
  wanted: ['x'],
  build: ({ x, prior }) => build(x!, prior!),
})

function convolution(
  volume: readonly number[],
  outputs: number,
  kernel: readonly number[],
  planes: readonly number[],
  activation: ops.Activation,
): Case {
  return {
    volume,
    planes,
    feeds: { x: volume, w: [outputs, volume[1]!, ...kernel], b: [outputs] },
    wanted: ['x', 'w', 'b'],
    build: ({ x, w, b }) => ops.conv3d(x!, w!, b, { activation, padding: 'same' }),
  }
}

/** A convolution in another geometry than that which keeps the size. */
function general(
  volume: readonly number[],
  outputs: number,
  kernel: readonly number[],
  planes: readonly number[],
  options: ops.Conv3dOptions,
): Case {
  return {
    volume,
    planes,
    feeds: { x: volume, w: [outputs, volume[1]! / (options.groups ?? 1), ...kernel], b: [outputs] },
    wanted: ['x', 'w', 'b'],
    build: ({ x, w, b }) => ops.conv3d(x!, w!, b, options),
  }
}

/** `volume` is the one-hot form of the labels, whose shape their gradient has. */
function labelConvolution(
  volume: readonly number[],
  outputs: number,
  kernel: readonly number[],
  planes: readonly number[],
  activation: ops.Activation,
): Case {
  return {
    volume,
    planes,
    feeds: {
      labels: [volume[0]!, 1, ...volume.slice(2)],
      w: [outputs, volume[1]!, ...kernel],
      b: [outputs],
    },
    wanted: ['labels', 'w', 'b'],
    build: ({ labels, w, b }) => ops.labelConv3d(labels!, w!, b, { activation }),
  }
}

/** An affine map for each of two volumes. */
const skewed = Float32Array.from([
  ...[0.9, 0.1, -0.05, 0.2, -0.2, 1.1, 0.1, -0.6, 0.1, -0.1, 0.8, 1.3],
  ...[0, 0.5, 0.1, 0.1, 1.2, 0, 0, 0.3, 0, -0.1, -1, 27.2],
])

const [N, C, D, H, W] = wide as [number, number, number, number, number]

const cases: Record<string, Case> = {
  'conv3d 3x3x3': convolution(narrow, 3, [3, 3, 3], [3, 4, 6, 9], 'relu'),
  'conv3d 3x3x3, vec4 rows': convolution([2, 5, 7, 11, 28], 3, [3, 3, 3], [3, 5], 'relu'),
  'conv3d 7x5x3': convolution([2, 2, 9, 13, 29], 2, [7, 5, 3], [7, 8, 11], 'sigmoid'),
  'conv3d 1x1x1': convolution(wide, 5, [1, 1, 1], [1, 2], 'none'),
  'label_conv3d 3x3x3': labelConvolution(narrow, 3, [3, 3, 3], [3, 5, 9], 'relu'),
  'label_conv3d 3x3x3, vec4 rows': labelConvolution([2, 5, 7, 11, 28], 1, [3, 3, 3], [3, 4], 'none'),
  'label_conv3d 7x5x3': labelConvolution([2, 2, 9, 13, 29], 2, [7, 5, 3], [7, 8, 11], 'sigmoid'),
  'conv3d of an upsampled volume and a skip connection': {
    volume: [2, 5, 8, 22, 24],
    planes: [4, 6],
    feeds: { x: [2, 5, 8, 22, 24], coarse: [2, 3, 4, 11, 12], w: [3, 8, 3, 3, 3], b: [3] },
    wanted: ['x', 'coarse', 'w', 'b'],
    build: ({ x, coarse, w, b }) => ops.conv3d({ coarse: coarse!, skip: x! }, w!, b, { padding: 'same' }),
  },
  'conv3d, stride 2': general(narrow, 3, [3, 3, 3], [3, 4, 6], { stride: 2, padding: 1, activation: 'relu' }),
  'conv3d, dilated': general(narrow, 3, [3, 2, 3], [5, 6], { dilation: [2, 1, 2], padding: [2, 0, 1] }),
  'conv3d, groups and gaps': general([2, 6, 11, 13, 17], 4, [1, 3, 2], [4, 7], { groups: 2, stride: [3, 1, 2] }),
  'conv_transpose3d': {
    volume: [2, 3, 14, 21, 29],
    planes: [3, 5],
    feeds: { x: [2, 5, 7, 11, 15], w: [5, 3, 3, 3, 3], b: [3] },
    wanted: ['x', 'w', 'b'],
    build: ({ x, w, b }) => ops.convTranspose3d(x!, w!, b, { stride: 2, padding: 1, outputPadding: [1, 0, 0] }),
  },
  'max_pool3d': unary(narrow, [3, 5, 7], (x) => ops.maxPool3d(x)),
  'max_pool3d, overlapping': unary(narrow, [3, 4, 5], (x) => ops.maxPool3d(x, { kernelSize: 3, stride: 2, padding: 1 })),
  'avg_pool3d, overlapping': unary(narrow, [3, 4, 5], (x) => ops.avgPool3d(x, { kernelSize: 3, stride: 2, padding: 1 })),
  'upsample_trilinear': {
    ...unary([2, 5, 21, 11, 29], [9, 11], (x) => ops.upsampleTrilinear(x, [3, 1, 1])),
    feeds: { x: narrow },
  },
  // All of one volume is bound, of the input or of the output's gradient.
  'resample': unary(narrow, [7, 9], (x) => ops.resample(x, constant('map', [2, 3, 4], skewed), [7, 11, 29])),
  'upsample_nearest': {
    ...unary([2, 5, 6, 22, 38], [2, 4], (x) => ops.upsampleNearest(x)),
    feeds: { x: [2, 5, 3, 11, 19] },
  },
  'concat': {
    volume: wide,
    planes: [1, 2],
    feeds: { x: [N, 9, D, H, W], y: [N, 5, D, H, W] },
    wanted: ['x', 'y'],
    build: ({ x, y }) => ops.concat([x!, y!]),
  },
  'concat with itself: added gradients': unary([N, 7, D, H, W], [2], (x) => ops.concat([x, x])),
  'concat along depth': {
    ...unary([2, 5, 14, 11, 29], [3, 5], (x) => ops.concat([x, ops.relu(x)], 2)),
    feeds: { x: narrow },
  },
  'concat of rows': unary([2, 5, 7, 11, 28], [3, 5], (x) => ops.concat([x, x], 3)),
  'transpose of planes': unary(narrow, [3, 5], (x) => ops.transpose(x, [0, 4, 2, 3, 1])),
  'slice of every other plane': unary(narrow, [3, 5], (x) => ops.slice(x, { starts: [1, 3], steps: [2, 1], axes: [2, 4] })),
  'slice, mirrored': unary(narrow, [3, 5], (x) => ops.slice(x, { starts: [Infinity], steps: [-1], axes: [2] })),
  'pad': { ...unary([2, 5, 10, 14, 32], [2, 3], (x) => ops.pad(x, [[2, 1], [0, 3], [1, 2]], { value: 0.5 })), feeds: { x: narrow } },
  'pad, reflected': { ...unary([2, 5, 10, 14, 32], [2, 3], (x) => ops.pad(x, [[2, 1], [0, 3], [1, 2]], { mode: 'reflect' })), feeds: { x: narrow } },
  'reshape into images': unary([2, 1, 21, 55, 29], [5, 11], (x) => ops.reshape(x, [1, 1, 42, 55, 29])),
  'gather of channels': unary(narrow, [3, 5], (x) => ops.gather(x, constant('taken', [5], Uint32Array.of(4, 0, 0, 2, 0)), 1)),
  'softmax of rows': unary(narrow, [3, 5], (x) => ops.softmax(x, 3)),
  'fit, larger': { ...unary([2, 5, 9, 16, 32], [2, 3], (x) => ops.fit(x, [9, 16, 32])), feeds: { x: narrow } },
  'fit, smaller': unary(narrow, [3, 4], (x) => ops.fit(x, [4, 7, 23])),
  'relu': unary(wide, [1, 3], ops.relu),
  'softmax': unary(wide, [1, 3], ops.softmax),
  'log_softmax': unary(wide, [1, 3], ops.logSoftmax),
  'log_sum_exp': unary(wide, [1, 3], ops.logSumExp),
  'support_mask': withPrior((x, prior) => ops.supportMask(x, prior, 0.3)),
  'add_log_prior': withPrior((x, prior) => ops.addLogPrior(x, prior, 0.1)),
  'gumbel_softmax, soft': withPrior((x, noise) => ops.gumbelSoftmax(x, noise, { hard: false })),
  'gumbel_softmax, hard': withPrior((x, noise) => ops.gumbelSoftmax(x, noise)),
  'posterior and sample': withPrior((x, prior) => {
    const { probabilities, sample } = ops.posterior(x, prior, prior)
    const table = constant('table', [14, 14], Float32Array.from({ length: 196 }, (_, i) => Math.sin(i)))
    return accumulate(probabilities, ops.labelConv3d(sample, table))
  }),
  'divergence of the posterior': withPrior((x, prior) => ops.posterior(x, prior, prior).divergence),
  'cross_entropy': withPrior((x, target) => ops.crossEntropy(x, target)),
  'kl_divergence': withPrior((x, prior) => ops.klDivergence(x, prior)),
  'instance_norm': unary(wide, [1, 3], (x) => ops.instanceNorm(x)),
  'instance_norm, ReLU': unary(wide, [1, 3], (x) => ops.instanceNorm(x, { activation: 'relu' })),
  'sum': unary(wide, [1, 3], ops.sum),
  'squared_error': { ...withPrior(ops.squaredError), wanted: ['x', 'prior'] },
  // Runs of the box sum along z are 8 planes long: slabs begin and end within them.
  'mrf_message, k = 3': mrf([2, 3, 19, 11, 13], 3, [10, 11, 13], ops.mrfMessage),
  'mrf_message, k = 7': mrf([2, 3, 29, 7, 17], 7, [14, 15, 20], ops.mrfMessage),
  'mrf_energy, k = 5': mrf([1, 14, 23, 5, 7], 5, [12, 16], ops.mrfEnergy),
} // prettier-ignore

function mrf(
  volume: readonly number[],
  k: number,
  planes: readonly number[],
  op: (x: Value, table: Value, k: number) => Value,
): Case {
  const feeds = { x: volume, table: [volume[1]!, volume[1]!] }
  return { volume, planes, feeds, wanted: ['x'], build: ({ x, table }) => op(x!, table!, k) }
}

describe('the same bits from any window', () => {
  it.each(Object.entries(cases))('%s', async (_, { volume, planes, feeds, wanted, build }) => {
    const arrays = Object.fromEntries(
      Object.entries(feeds).map(([name, shape]) => [
        name,
        name === 'labels'
          ? { shape, data: Uint32Array.from(draw(shape, 0, volume[1]! + 0.5).data) }
          : draw(shape, name === 'prior' ? 0.001 : -1, 0.999),
      ]),
    )
    const whole = await run(arrays, wanted, build)
    for (const count of planes) {
      const bytes = 4 * (count * volume[1]! * volume[3]! * volume[4]! + 64)
      expect(bytes).toBeGreaterThanOrEqual(16384)
      const cut = await withBindingLimit(device.gpu, bytes, () => run(arrays, wanted, build))
      expect(cut.dispatches).toBeGreaterThan(whole.dispatches)
      for (const [name, array] of Object.entries(whole.results)) {
        expectSameBits(cut.results[name]!, array, `${name}, ${count} planes`)
      }
    }
  })

  const filter = constant('w', [C, C, 3, 1, 3], Float32Array.from(draw([C, C, 3, 1, 3]).data))
  it.each<[string, (x: Value, prior: Value) => Value, (readonly number[])?]>([
    ['argmax', (x) => ops.argmax(x)],
    ['argmax within a prior', (x, prior) => ops.argmax(x, { prior, least: 0.1 })],
    [
      'argmax of a convolution',
      (x, prior) => ops.argmaxOnly(ops.conv3d(x, filter, undefined, { padding: 'same' }), { prior }),
      [3, 4],
    ],
    ['argmax of classes with parts', (x, prior) => ops.argmax(x, { prior, counts: [1, C - 1] })],
    [
      'mixture_posterior',
      (scan, prior) => {
        const factors = constant(
          'factors',
          [N, 2 * C + 1, C],
          new Float32Array(N * (2 * C + 1) * C).fill(0.3),
        )
        const counts = Array<number>(C).fill(1)
        return ops.mixturePosterior(scan, prior, { factors, counts }, { least: 0.1 })
      },
    ],
  ])('%s', async (_, build, planes = [1, 3]) => {
    const feeds = { x: draw(wide), prior: draw(wide, 0, 1) }
    const read = () => evaluate(device.gpu, feeds, (v) => ({ y: build(v.x!, v.prior!) }))
    const whole = await read()
    for (const count of planes) {
      const cut = await withBindingLimit(device.gpu, 4 * (count * C * H * W + 64), read)
      expectSameBits(cut.y, whole.y, `${count} planes`)
    }
  })

  it('says that a permutation of planes needs the whole volume', async () => {
    const failure = withBindingLimit(device.gpu, 32768, () =>
      run({ x: draw(narrow) }, ['x'], ({ x }) => ops.transpose(x!, [0, 1, 4, 3, 2])),
    )
    await expect(failure).rejects.toThrow(UserError)
    await expect(failure).rejects.toThrow(
      /transpose: x \[2, 5, 7, 11, 29\]: one step reads planes of \d+ bytes/,
    )
  })

  it('says that a plane has more voxels than a dispatch has invocations', async () => {
    const wide = input('wide', [1, 1, 1, 2048, 2050])
    const odd = input('odd', [1, 1, 1, 2049, 2049])
    for (const [output, message] of [
      [ops.logSumExp(wide), 'log_sum_exp/forward: [65600, 1, 1] workgroups, over 65535 per axis; crop'],
      [ops.argmax(odd), 'argmax/forward: [65601, 1, 1] workgroups, over 65535 per axis; crop'],
    ] as const)
      await expect(compile(device.gpu, { outputs: [output] })).rejects.toThrow(message)
    const plan = await compile(device.gpu, { outputs: [ops.argmax(wide)] })
    plan.dispose()
  })

  it('says what does not fit', async () => {
    const { volume, feeds, wanted, build } = cases['conv3d 3x3x3']!
    const arrays = Object.fromEntries(Object.entries(feeds).map(([name, shape]) => [name, draw(shape)]))
    const plane = volume[1]! * volume[3]! * volume[4]!
    const twoPlanes = 4 * (2 * plane + 64)
    const failure = withBindingLimit(device.gpu, Math.max(16384, twoPlanes - 4), () =>
      run(arrays, wanted, build),
    )
    await expect(failure).rejects.toThrow(UserError)
    await expect(failure).rejects.toThrow(
      /^w: conv3d: x \[2, 5, 7, 11, 29\]: one step reads planes of \d+ bytes/,
    )
  })
})

/** The output, the gradients of its squared norm, and how many dispatches that took. */
async function run(
  feeds: Feeds,
  wanted: readonly string[],
  build: Case['build'],
): Promise<{ results: Record<string, NdArray>; dispatches: number }> {
  const kernels = vi.spyOn(device.gpu.pipelines, 'get')
  try {
    const results = await evaluate(
      device.gpu,
      feeds,
      (values) => {
        const output = build(values)
        const loss = ops.dot(output, output)
        const grads = gradients(
          loss,
          wanted.map((name) => values[name]!),
        )
        return Object.fromEntries([
          ['output', output],
          ...wanted.map((name, i) => [`gradient of ${name}`, grads[i]!] as const),
        ])
      },
      ['w'],
    )
    return { results, dispatches: kernels.mock.calls.length }
  } finally {
    kernels.mockRestore()
  }
}
