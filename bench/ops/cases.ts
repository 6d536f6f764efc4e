import { constant, input, parameter, type Value } from '../../src/graph/value.js'
import * as ops from '../../src/ops/index.js'
import { Adam } from '../../src/optim/index.js'
import type { OpNode } from '../../src/graph/node.js'

/** One op at one shape: the graph of its forward and backward pass. */
export interface Case {
  readonly op: string
  readonly shape: string
  /** Volumes are filled with numbers in (0, 1). */
  readonly build: () => { output: Value; wanted: readonly Value[] } | { effects: OpNode[] }
  /** Work of each node that is reported, by the node's name: operations and least bytes. */
  readonly work: Readonly<Record<string, { flops: number; bytes: number }>>
}

/** How the cases of the MRF term begin. */
export const mrfTerm = 'mrf_energy'

type Extents = readonly [number, number, number]

function conv(inputs: number, outputs: number, extents: Extents): Case {
  const voxels = extents.reduce((a, b) => a * b)
  const flops = 2 * 27 * inputs * outputs * voxels
  const bytes = 4 * voxels * (inputs + outputs)
  return {
    op: `conv3d ${inputs}->${outputs}`,
    shape: extents.join('x'),
    build: () => {
      const x = input('x', [1, inputs, ...extents])
      const weight = parameter('weight', [outputs, inputs, 3, 3, 3], numbers(27 * inputs * outputs, 0.01))
      const bias = parameter('bias', [outputs], numbers(outputs, 0.01))
      return { output: ops.conv3d(x, weight, bias, { padding: 'same' }), wanted: [x, weight, bias] }
    },
    work: {
      conv3d: { flops, bytes },
      'conv3d backward input': { flops, bytes },
      'conv3d backward weight': { flops, bytes },
    },
  }
}

/** As `conv` of a one-hot volume that is stored as labels: the same result, fewer operations and bytes. */
function labelConv(classes: number, outputs: number, extents: Extents): Case {
  const voxels = extents.reduce((a, b) => a * b)
  return {
    op: `label_conv3d ${classes}->${outputs}`,
    shape: extents.join('x'),
    build: () => {
      const labels = ops.argmax(input('x', [1, classes, ...extents]))
      const weight = parameter('weight', [outputs, classes, 3, 3, 3], numbers(27 * classes * outputs, 0.01))
      const bias = parameter('bias', [outputs], numbers(outputs, 0.01))
      return { output: ops.labelConv3d(labels, weight, bias), wanted: [labels, weight, bias] }
    },
    work: {
      label_conv3d: { flops: 27 * outputs * voxels, bytes: 4 * voxels * (1 + outputs) },
      'conv3d backward input': {
        flops: 2 * 27 * classes * outputs * voxels,
        bytes: 4 * voxels * (classes + outputs),
      },
      'label_conv3d backward weight': { flops: 27 * outputs * voxels, bytes: 4 * voxels * (1 + outputs) },
    },
  }
}

/** An op over one volume, with the passes over memory that its nodes need at least. */
function pointwise(
  op: string,
  channels: number,
  extents: Extents,
  build: (x: Value, other: Value) => Value,
  passes: Readonly<Record<string, number>>,
): Case {
  const elements = channels * extents.reduce((a, b) => a * b)
  return {
    op,
    shape: `${channels} x ${extents.join('x')}`,
    build: () => {
      const x = input('x', [1, channels, ...extents])
      return { output: build(x, input('other', [1, channels, ...extents])), wanted: [x] }
    },
    work: Object.fromEntries(
      Object.entries(passes).map(([node, count]) => [node, { flops: 0, bytes: 4 * elements * count }]),
    ),
  }
}

const half: Extents = [80, 96, 112]

const counter = constant('counter', [2], Uint32Array.of(1, 2))

/** The MRF term of the objective, forward and backward: both sets of sums, both products, the energy, its gradient. */
function mrf(k: number): Case {
  const table = constant('table', [14, 14], numbers(196, -1))
  return pointwise(`${mrfTerm} k=${k}`, 14, half, (x) => ops.mrfEnergy(x, table, k), {
    neighbour_sums: 7,
    'neighbour_sums adjoint': 7,
    conv3d: 2,
    'conv3d backward input': 2,
    mrf_energy: 2,
    'mrf_energy backward': 3,
  })
}

export const cases: readonly Case[] = [
  conv(14, 14, [32, 96, 112]),
  conv(8, 14, [32, 96, 112]),
  conv(1, 4, [32, 96, 112]),
  conv(14, 1, [32, 96, 112]),
  labelConv(14, 1, [32, 96, 112]),
  conv(16, 4, [40, 48, 56]),
  conv(64, 16, [10, 12, 14]),
  conv(14, 14, [31, 97, 113]),
  pointwise('max_pool3d', 4, half, (x) => ops.maxPool3d(x), {
    max_pool3d: 1.125,
    'max_pool3d backward': 2.125,
  }),
  pointwise('upsample_nearest', 4, [40, 48, 56], (x) => ops.upsampleNearest(x), {
    upsample_nearest: 9,
    'upsample_nearest backward': 9,
  }),
  pointwise('concat', 4, half, (x, y) => ops.concat([x, y]), { concat: 4 }),
  pointwise('softmax', 14, half, ops.softmax, { softmax: 2, 'softmax backward': 3 }),
  pointwise('log_softmax', 14, half, ops.logSoftmax, { log_softmax: 2, 'log_softmax backward': 3 }),
  pointwise('gumbel_softmax', 14, half, (x, noise) => ops.gumbelSoftmax(x, noise), {
    gumbel_softmax: 3,
    'gumbel_softmax backward': 4,
  }),
  pointwise('support_mask', 14, half, ops.supportMask, { support_mask: 3, 'support_mask backward': 3 }),
  mrf(3),
  mrf(21),
  pointwise('posterior', 14, half, (x, prior) => ops.posterior(x, prior, counter).probabilities, {
    posterior: 3,
    'posterior backward': 4,
  }),
  pointwise('cross_entropy', 14, half, (x, y) => ops.crossEntropy(x, y), {
    cross_entropy: 2,
    'cross_entropy backward': 3,
  }),
  pointwise('kl_divergence', 14, half, ops.klDivergence, { kl_divergence: 2, 'kl_divergence backward': 3 }),
  pointwise('squared_error', 14, half, ops.squaredError, { squared_error: 2, 'squared_error backward': 3 }),
  pointwise('instance_norm', 14, half, (x) => ops.instanceNorm(x), {
    instance_norm: 2,
    'instance_norm backward': 3,
  }),
  {
    op: 'adam',
    shape: '1000000',
    build: () => {
      const p = parameter('p', [1e6], numbers(1e6, 1))
      return { effects: new Adam([p]).update([input('grad', [1e6])]) }
    },
    work: { adam: { flops: 0, bytes: 7 * 4e6 } },
  },
]

/** Numbers in (0, scale), the same each time; another phase gives unrelated ones. */
export function numbers(count: number, scale: number, phase = 0): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => scale * (0.5 + 0.499 * Math.sin((i + phase) * (12.9898 + phase))),
  )
}
