import { input, type Value } from '../../../src/graph/value.js'
import {
  addLogPrior,
  argmax,
  argmaxOnly,
  conv3d,
  softmax,
  supportMask,
  type ArgmaxOptions,
} from '../../../src/ops/index.js'
import { sumMembers } from '../../../src/sae/prior/membership.js'
import { half, type Case } from '../case.js'

const least = 1e-7
/** Channels of each class in the default recipe: the background and the rest have two. */
const counts = [2, ...Array.from({ length: 12 }, () => 1), 2]

const within = (
  op: string,
  channels: number,
  build: (x: Value, prior: Value) => Value,
  passes: Readonly<Record<string, number>> = { argmax: 2 },
): Case => {
  const shape = [1, channels, ...half]
  const bytes = 4 * shape.reduce((a, b) => a * b)
  return {
    op,
    shape: `${channels} x ${half.join('x')}`,
    build: () => ({ output: build(input('x', shape), input('prior', shape)), wanted: [] }),
    work: Object.fromEntries(
      Object.entries(passes).map(([node, count]) => [node, { flops: 0, bytes: count * bytes }]),
    ),
  }
}

/** After the convolution that computes the channels, with a pass of its own or without. */
const ofConvolution = (channels: number, inOnePass: boolean, options: ArgmaxOptions): Case => {
  const shape = [1, channels, ...half]
  const voxels = half.reduce((a, b) => a * b)
  const conv = { flops: 2 * channels * channels * 27 * voxels, bytes: 8 * channels * voxels }
  return {
    op: `argmax of a convolution${options.counts ? ', with parts' : ''}, ${inOnePass ? 'in one pass' : 'in two'}`,
    shape: `${channels} x ${half.join('x')}`,
    build: () => {
      const weight = input('weight', [channels, channels, 3, 3, 3], { layout: 'flat' })
      const logits = conv3d(input('x', shape), weight, undefined, { padding: 'same' })
      const choose = inOnePass ? argmaxOnly : argmax
      return { output: choose(logits, { ...options, prior: input('prior', shape) }), wanted: [] }
    },
    work: inOnePass
      ? { 'conv3d argmax': conv }
      : { conv3d: conv, argmax: { flops: 0, bytes: 8 * channels * voxels } },
  }
}

/** The last of the first four is the composition that `counts` replaces. */
export const cases: readonly Case[] = [
  within('argmax of a prior', 14, (x, prior) => argmax(x, { prior })),
  within('argmax with its logarithm', 14, (x, prior) => argmax(x, { prior, least })),
  within('argmax of classes with parts', 16, (x, prior) => argmax(x, { prior, least, counts })),
  within(
    'argmax after merging parts',
    16,
    (x, prior) => {
      const classOf = counts.flatMap((count, k) => Array.from({ length: count }, () => k))
      return argmax(sumMembers(softmax(supportMask(addLogPrior(x, prior, least), prior)), classOf))
    },
    { add_log_prior: 3, support_mask: 3, softmax: 2, conv3d: 2, argmax: 1 },
  ),
  ...[false, true].flatMap((inOnePass) => [
    ofConvolution(14, inOnePass, {}),
    ofConvolution(16, inOnePass, { least, counts }),
  ]),
]
