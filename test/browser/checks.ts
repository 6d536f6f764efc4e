/** The core ops, forward and backward, beside their float64 references. Isomorphic. */
import { gradients } from '../../src/graph/gradients.js'
import { constant, type Value } from '../../src/graph/value.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import * as ops from '../../src/ops/index.js'
import { differentiate, evaluate } from '../evaluate.js'
import type { Draw, OpCheck } from '../ops/check.js'
import { withBindingLimit, withOtherTiles } from '../pretend.js'
import * as concatenation from '../reference/concat.js'
import * as convolution from '../reference/conv3d.js'
import * as crossEntropy from '../reference/cross-entropy.js'
import * as instanceNorm from '../reference/instance-norm.js'
import * as labelConvolution from '../reference/label-conv3d.js'
import * as maxPool from '../reference/max-pool3d.js'
import * as mrf from '../reference/mrf.js'
import {
  fromArray,
  map,
  mulberry32,
  relativeError,
  scalar,
  uniform,
  type NdArray,
} from '../reference/nd-array.js'
import * as noises from '../reference/noise.js'
import * as posterior from '../reference/posterior.js'
import * as softmaxes from '../reference/softmax.js'
import * as upsampling from '../reference/upsample-nearest.js'

/** One number of a device beside the reference; plain data, which may cross from a worker or a page. */
export interface Row {
  readonly name: string
  /** Relative error; Infinity where anything is not finite. */
  readonly error: number
  readonly tolerance: number
}

/** Runs every check, each time with the same numbers; a row for each output and each gradient. */
export async function runChecks(gpu: Gpu): Promise<Row[]> {
  source.random = mulberry32(2026)
  const rows: Row[] = []
  for (const [name, check] of Object.entries(opChecks())) rows.push(...(await compare(gpu, name, check)))

  const convolved = convolutionOf([2, 14, 3, 5, 17], [14, 14, 3, 3, 3])
  rows.push(
    ...(await withOtherTiles(gpu, () => compare(gpu, 'conv3d, tiles of other devices', convolved))),
    // A plane [C, H, W] of the volume is 5 KB: it is cut into windows of some planes.
    ...(await withBindingLimit(gpu, 2 ** 14, () => compare(gpu, 'conv3d in windows of 16 KiB', convolved))),
    ...(await comparePosterior(gpu)),
  )
  return rows
}

const source = { random: mulberry32(0) }

const draw: Draw = (shape, low = -1, high = 1) => map(uniform(shape, source.random, low, high), Math.fround)

const drawProbabilities = (shape: readonly number[]): NdArray =>
  map(softmaxes.softmax(draw(shape, -3, 3)), Math.fround)

function opChecks(): Record<string, OpCheck> {
  return {
    'conv3d of one voxel': convolutionOf([1, 1, 1, 1, 1], [1, 1, 1, 1, 1]),
    'conv3d 1x1x1, 14 -> 14': convolutionOf([2, 14, 3, 5, 7], [14, 14, 1, 1, 1]),
    'conv3d, width 1': convolutionOf([2, 2, 5, 3, 1], [3, 2, 3, 3, 3]),
    'conv3d, width 13': convolutionOf([1, 3, 7, 11, 13], [5, 3, 3, 3, 3]),
    'conv3d, width 20, a rest of channels': convolutionOf([2, 3, 2, 5, 20], [7, 3, 3, 3, 3]),
    'conv3d 5x5x5': convolutionOf([1, 2, 7, 3, 11], [8, 2, 5, 5, 5]),
    'conv3d 64 -> 16': convolutionOf([1, 64, 2, 3, 4], [16, 64, 3, 3, 3]),
    'conv3d, sigmoid': convolutionOf([2, 14, 3, 5, 7], [1, 14, 3, 3, 3], 'sigmoid'),
    'conv3d in the tiles of large volumes': convolutionOf([1, 2, 31, 33, 40], [14, 2, 3, 3, 3]),
    'conv3d in the tiles of large volumes, odd widths': convolutionOf([1, 1, 31, 37, 35], [18, 1, 3, 3, 3]),
    'conv3d of an upsampled volume and a skip': upsampledAndSkip(),
    max_pool3d: pooling(draw([3, 2, 7, 11, 13])),
    'max_pool3d with ties': pooling(map(draw([2, 3, 5, 4, 7]), (x) => (x < -0.5 ? -1 : 0.5))),
    upsample_nearest: upsampled(draw([2, 3, 3, 5, 7])),
    instance_norm: normalised(draw([2, 3, 7, 11, 13], -2, 3)),
    softmax: softmaxOf(draw([2, 14, 3, 5, 7], -8, 8)),
    'softmax, logits far apart': softmaxOf(draw([1, 14, 2, 3, 5], -200, 200)),
    log_softmax: logSoftmaxOf(draw([3, 5, 2, 3, 17], -8, 8)),
    cross_entropy: entropyOf(draw([2, 14, 3, 5, 7], -6, 6)),
    label_conv3d: labelsConvolved([2, 1, 3, 5, 17], [5, 14, 3, 3, 3]),
    'label_conv3d, sigmoid': labelsConvolved([1, 1, 7, 11, 13], [1, 14, 3, 3, 3], 'sigmoid'),
    'mrf message, k = 3': messageOf([2, 14, 5, 3, 7], 3),
    'mrf message, k = 7': messageOf([2, 2, 7, 11, 13], 7),
    'mrf energy, k = 3': energyOf([2, 14, 5, 3, 7], 3),
    'mrf energy, k = 21': energyOf([1, 2, 3, 17, 16], 21),
  }
}

/** Output and gradients of one op; compared as `expectReference` does. */
async function compare(gpu: Gpu, name: string, check: OpCheck): Promise<Row[]> {
  const { feeds, build, expected, backward, tolerance = 1e-6, flat = [] } = check
  const gradOutput = draw(expected.shape)
  const grads = backward(gradOutput)
  const results = await differentiate(gpu, feeds, Object.keys(grads), gradOutput, build, flat)
  return [
    { name, error: relativeError(results.output!, expected), tolerance },
    ...Object.entries(grads).map(([argument, wanted]) => ({
      name: `${name}: gradient of ${argument}`,
      error: relativeError(results[`grad ${argument}`]!, wanted),
      tolerance,
    })),
  ]
}

function convolutionOf(
  shape: readonly number[],
  weights: readonly number[],
  activation: ops.Activation = 'none',
): OpCheck {
  const [x, w, b] = [draw(shape), draw(weights), draw([weights[0]!])]
  return {
    feeds: { x, w, b },
    flat: ['w'],
    // Sums of thousands of terms, in another order than the reference's.
    tolerance: 2e-6,
    build: (v) => ops.conv3d(v.x!, v.w!, v.b, { padding: 'same', activation }),
    expected: convolution.forward(x, w, b, { activation }),
    backward: (gradOutput) => {
      const { gradInput, gradWeight, gradBias } = convolution.backward(gradOutput, x, w, b, { activation })
      return { x: gradInput, w: gradWeight, b: gradBias }
    },
  }
}

function upsampledAndSkip(): OpCheck {
  const [coarse, skip, w, b] = [
    draw([2, 9, 2, 3, 3]),
    draw([2, 7, 4, 6, 6]),
    draw([3, 16, 3, 3, 3]),
    draw([3]),
  ]
  const fine = upsampling.forward(coarse)
  const joined = concatenation.forward([fine, skip])
  return {
    feeds: { coarse, skip, w, b },
    flat: ['w'],
    tolerance: 2e-6,
    build: (v) => ops.conv3d({ coarse: v.coarse!, skip: v.skip! }, v.w!, v.b, { padding: 'same' }),
    expected: convolution.forward(joined, w, b),
    backward: (gradOutput) => {
      const { gradInput, gradWeight, gradBias } = convolution.backward(gradOutput, joined, w, b)
      const [gradFine, gradSkip] = concatenation.backward(gradInput, [fine, skip]).gradInputs
      return { coarse: upsampling.backward(gradFine!).gradInput, skip: gradSkip!, w: gradWeight, b: gradBias }
    },
  }
}

/** Every output is a copy and every gradient goes one way, so both are exact. */
const pooling = (x: NdArray): OpCheck => ({
  feeds: { x },
  tolerance: 0,
  build: (v) => ops.maxPool3d(v.x!),
  expected: maxPool.forward(x),
  backward: (gradOutput) => ({ x: maxPool.backward(gradOutput, x).gradInput }),
})

const upsampled = (x: NdArray): OpCheck => ({
  feeds: { x },
  build: (v) => ops.upsampleNearest(v.x!),
  expected: upsampling.forward(x),
  backward: (gradOutput) => ({ x: upsampling.backward(gradOutput).gradInput }),
})

const normalised = (x: NdArray): OpCheck => ({
  feeds: { x },
  tolerance: 2e-6,
  build: (v) => ops.instanceNorm(v.x!),
  expected: instanceNorm.forward(x, null, null),
  backward: (gradOutput) => ({ x: instanceNorm.backward(gradOutput, x, null).gradInput }),
})

const softmaxOf = (x: NdArray): OpCheck => ({
  feeds: { x },
  build: (v) => ops.softmax(v.x!),
  expected: softmaxes.softmax(x),
  backward: (gradOutput) => ({ x: softmaxes.softmaxBackward(gradOutput, x).gradInput }),
})

const logSoftmaxOf = (x: NdArray): OpCheck => ({
  feeds: { x },
  build: (v) => ops.logSoftmax(v.x!),
  expected: softmaxes.logSoftmax(x),
  backward: (gradOutput) => ({ x: softmaxes.logSoftmaxBackward(gradOutput, x).gradInput }),
})

function entropyOf(logits: NdArray): OpCheck {
  const target = drawProbabilities(logits.shape)
  return {
    feeds: { logits, target },
    build: (v) => ops.crossEntropy(v.logits!, v.target!),
    expected: crossEntropy.forward(logits, target),
    backward: (gradOutput) => ({ logits: crossEntropy.backward(gradOutput, logits, target).gradLogits }),
  }
}

function labelsConvolved(
  shape: readonly number[],
  weights: readonly number[],
  activation: ops.Activation = 'none',
): OpCheck {
  // Some of the labels are no class.
  const labels = { shape, data: Uint32Array.from(draw(shape, 0, 1.2 * weights[1]!).data) }
  const x = fromArray(shape, labels.data)
  const [w, b] = [draw(weights), draw([weights[0]!])]
  return {
    feeds: { labels, w, b },
    flat: ['w'],
    tolerance: 2e-6,
    build: (v) => ops.labelConv3d(v.labels!, v.w!, v.b, { activation }),
    expected: labelConvolution.forward(x, w, b, { activation }),
    backward: (gradOutput) => {
      const grads = labelConvolution.backward(gradOutput, x, w, b, { activation })
      return { labels: grads.gradLabels, w: grads.gradWeight, b: grads.gradBias }
    },
  }
}

function messageOf(shape: readonly number[], k: number): OpCheck {
  const [pi, table] = [drawProbabilities(shape), drawTable(shape[1]!)]
  return {
    feeds: { pi, table },
    build: (v) => ops.mrfMessage(v.pi!, v.table!, k),
    expected: mrf.mrfMessage(pi, table, k),
    backward: (gradOutput) => ({ pi: mrf.mrfMessageBackward(gradOutput, table, k).gradPi }),
  }
}

function energyOf(shape: readonly number[], k: number): OpCheck {
  const [pi, table] = [drawProbabilities(shape), drawTable(shape[1]!)]
  return {
    feeds: { pi, table },
    build: (v) => ops.mrfEnergy(v.pi!, v.table!, k),
    expected: mrf.mrfEnergy(pi, table, k),
    backward: (gradOutput) => ({ pi: mrf.mrfEnergyBackward(gradOutput, pi, table, k).gradPi }),
  }
}

/** Logarithms of shares, not symmetric, some of them of 0. */
const drawTable = (classes: number): NdArray =>
  map(mrf.logMrfTable(map(draw([classes, classes]), (share) => Math.max(share, 0))), Math.fround)

/** Posterior, sample and divergence with noise from a counter, which the reference draws as numbers. */
async function comparePosterior(gpu: Gpu): Promise<Row[]> {
  const [shape, counter, tau] = [[2, 14, 3, 5, 7], [20, 26], 2 / 3] as const
  const voxels = 3 * 5 * 7
  const feeds = {
    logits: draw(shape, -6, 6),
    // Some classes are ruled out, but never class 0.
    prior: map(draw(shape, 0.05, 1), (p, i) =>
      Math.floor(i / voxels) % shape[1] > 0 && (i * 7) % 5 < 2 ? 0 : p,
    ),
    gradProbabilities: draw(shape),
    gradSample: draw(shape),
  }
  const results = await evaluate(gpu, feeds, (v) => {
    const { probabilities, sample, divergence } = ops.posterior(
      v.logits!,
      v.prior!,
      constant('counter', [2], Uint32Array.from(counter)),
      { temperature: tau },
    )
    const oneHot = oneHotOf(sample, shape[1])
    const loss = ops.weightedSum([
      { term: ops.dot(probabilities, v.gradProbabilities!) },
      { term: ops.dot(oneHot, v.gradSample!) },
      { term: divergence, factor: 0.3 },
    ])
    return { probabilities, sample: oneHot, divergence, gradient: gradients(loss, [v.logits!])[0]! }
  })
  const { logits, prior, gradProbabilities, gradSample } = feeds
  const noise = noises.uniformNoise(shape, ...counter)
  const expected = posterior.forward(logits, prior, noise, tau)
  const incoming = { probabilities: gradProbabilities, sample: gradSample, divergence: scalar(0.3) }
  const { gradLogits } = posterior.backward(incoming, logits, prior, noise, tau)
  const row = (what: string, actual: NdArray, wanted: NdArray, tolerance: number): Row => ({
    name: `posterior, noise from a counter: ${what}`,
    error: relativeError(actual, wanted),
    tolerance,
  })
  return [
    row('probabilities', results.probabilities, expected.probabilities, 1e-6),
    row('sample', results.sample, expected.sample, 0),
    row('divergence', results.divergence, expected.divergence, 1e-6),
    row('gradient of logits', results.gradient, gradLogits, 2e-6),
  ]
}

/** Labels as a one-hot volume: a convolution of one voxel with the identity. */
function oneHotOf(labels: Value, classes: number): Value {
  const identity = Float32Array.from({ length: classes ** 2 }, (_, i) => Number(i % (classes + 1) === 0))
  return ops.labelConv3d(labels, constant('identity', [classes, classes], identity))
}
