/** Small problems with known answers: one for each family of kernels that training runs. */
import { gradients } from '../graph/gradients.js'
import type { OpNode } from '../graph/node.js'
import { input, parameter, type Value } from '../graph/value.js'
import {
  add,
  conv3d,
  dot,
  labelConv3d,
  maxPool3d,
  mrfEnergy,
  posterior,
  softmax,
  sum,
  upsampleNearest,
} from '../ops/index.js'
import { Adam } from '../optim/index.js'
import * as adam from './reference/adam.js'
import * as conv from './reference/conv3d.js'
import * as maxPool from './reference/max-pool3d.js'
import * as mrf from './reference/mrf.js'
import { map, mulberry32, scalar, uniform, zeros, type NdArray } from './reference/nd-array.js'
import * as posteriors from './reference/posterior.js'
import * as softmaxes from './reference/softmax.js'
import * as upsampling from './reference/upsample-nearest.js'

/** A result on the device, and the expected numbers. */
export interface Expected {
  readonly family: string
  readonly value: Value
  readonly expected: NdArray
}

/** A part of the graph that the self-check runs. */
export interface Problem {
  /** Contents of its inputs. */
  readonly feeds: readonly (readonly [Value, Float32Array])[]
  readonly results: readonly Expected[]
  /** Updates, run twice. Default: none. */
  readonly effects?: readonly OpNode[]
}

/** Extents [D, H, W] of a problem's volumes, all even. */
type Extents = readonly [number, number, number]

/** All problems at one size. */
export function problemsOf([d, h, w]: Extents): Problem[] {
  const random = mulberry32(d * h * w)
  // Rounded to f32, so that the device and the reference start from the same numbers.
  const draw = (shape: readonly number[], low = -1, high = 1) =>
    map(uniform(shape, random, low, high), Math.fround)
  const volume = (channels: number) => [1, channels, d, h, w]
  return [
    convolution(draw, [d, h, w]),
    pooling(draw(volume(3)), draw([1, 3, d / 2, h / 2, w / 2])),
    upsample(draw([1, 3, d / 2, h / 2, w / 2]), draw(volume(3))),
    softmaxOf(draw(volume(5), -4, 4), draw(volume(5))),
    neighbours(draw(volume(4), -2, 2), draw([4, 4])),
    sampling(draw, volume(4)),
    reduction(draw(volume(3)), draw(volume(3))),
    update(draw([7, 9]), draw([7, 9])),
  ]
}

type Draw = (shape: readonly number[], low?: number, high?: number) => NdArray

const f32 = ({ data }: NdArray): Float32Array => Float32Array.from(data)
const flat = (name: string, array: NdArray): Value => parameter(name, array.shape, f32(array))

/** Eight channels on either side, so that the drivers' caches keep kernels that the models need as well. */
function convolution(draw: Draw, extents: Extents): Problem {
  const [x, w, b] = [draw([1, 8, ...extents]), draw([8, 8, 3, 3, 3]), draw([8])]
  const g = draw([1, 8, ...extents])
  const [input_, incoming] = [input('x', x.shape), input('g', g.shape)]
  const [weight, bias] = [flat('w', w), flat('b', b)]
  const output = conv3d(input_, weight, bias, { padding: 'same' })
  const [gradInput, gradWeight, gradBias] = gradients(dot(output, incoming), [input_, weight, bias])
  const expected = conv.backward(g, x, w, b)
  return {
    feeds: [
      [input_, f32(x)],
      [incoming, f32(g)],
    ],
    results: [
      { family: 'convolution', value: output, expected: conv.forward(x, w, b) },
      { family: 'convolution, gradient of input', value: gradInput!, expected: expected.gradInput },
      { family: 'convolution, gradient of weights', value: gradWeight!, expected: expected.gradWeight },
      { family: 'convolution, gradient of weights', value: gradBias!, expected: expected.gradBias },
    ],
  }
}

/** An op of one volume: its output and its gradient. */
function unary(
  family: string,
  op: (input: Value) => Value,
  [x, g]: readonly [NdArray, NdArray],
  [output, gradInput]: readonly [NdArray, NdArray],
): Problem {
  const [input_, incoming] = [input('x', x.shape), input('g', g.shape)]
  const value = op(input_)
  const [gradient] = gradients(dot(value, incoming), [input_])
  return {
    feeds: [
      [input_, f32(x)],
      [incoming, f32(g)],
    ],
    results: [
      { family, value, expected: output },
      { family, value: gradient!, expected: gradInput },
    ],
  }
}

function pooling(x: NdArray, g: NdArray): Problem {
  return unary(
    'pooling',
    (value) => maxPool3d(value),
    [x, g],
    [maxPool.forward(x), maxPool.backward(g, x).gradInput],
  )
}

function upsample(x: NdArray, g: NdArray): Problem {
  const expected = [upsampling.forward(x), upsampling.backward(g).gradInput] as const
  return unary('upsampling', (value) => upsampleNearest(value), [x, g], expected)
}

function softmaxOf(x: NdArray, g: NdArray): Problem {
  return unary('softmax', softmax, [x, g], [softmaxes.softmax(x), softmaxes.softmaxBackward(g, x).gradInput])
}

function neighbours(logits: NdArray, table: NdArray): Problem {
  const pi = map(softmaxes.softmax(logits), Math.fround)
  const [value, tableValue] = [input('pi', pi.shape), flat('table', table)]
  const energy = mrfEnergy(value, tableValue, 3)
  const [gradient] = gradients(energy, [value])
  const one = scalar(1)
  return {
    feeds: [[value, f32(pi)]],
    results: [
      { family: 'MRF', value: energy, expected: mrf.mrfEnergy(pi, table, 3) },
      { family: 'MRF', value: gradient!, expected: mrf.mrfEnergyBackward(one, pi, table, 3).gradPi },
    ],
  }
}

/** Posterior, sample and divergence, and the gradient that flows back from a decoder through the sample. */
function sampling(draw: Draw, shape: readonly number[]): Problem {
  const tau = 2 / 3
  const [x, noise] = [draw(shape, -3, 3), draw(shape, 0.05, 0.95)]
  const prior = map(softmaxes.softmax(draw(shape)), Math.fround)
  const [w, g] = [draw([1, shape[1]!]), draw([1, 1, ...shape.slice(2)])]
  const gp = draw(shape)
  const [logits, p, u] = [input('logits', shape), input('prior', shape), input('noise', shape)]
  const [incoming, incomingProbabilities] = [input('g', g.shape), input('gp', shape)]
  const result = posterior(logits, p, u, { temperature: tau })
  const image = labelConv3d(result.sample, flat('decoder', w))
  const loss = add(
    add(dot(image, incoming), dot(result.probabilities, incomingProbabilities)),
    result.divergence,
  )
  const [gradient] = gradients(loss, [logits])
  const expected = posteriors.forward(x, prior, noise, tau)
  const voxels = g.data.length
  const gradSample = map(zeros(shape), (_, i) => w.data[Math.floor(i / voxels)]! * g.data[i % voxels]!)
  const back = { probabilities: gp, sample: gradSample, divergence: scalar(1) }
  const expectedImage = map(zeros(g.shape), (_, voxel) =>
    w.data.reduce((total, weight, c) => total + weight * expected.sample.data[c * voxels + voxel]!, 0),
  )
  return {
    feeds: [
      [logits, f32(x)],
      [p, f32(prior)],
      [u, f32(noise)],
      [incoming, f32(g)],
      [incomingProbabilities, f32(gp)],
    ],
    results: [
      { family: 'sample', value: result.probabilities, expected: expected.probabilities },
      { family: 'sample', value: result.divergence, expected: expected.divergence },
      { family: 'sample', value: image, expected: expectedImage },
      {
        family: 'sample',
        value: gradient!,
        expected: posteriors.backward(back, x, prior, noise, tau).gradLogits,
      },
    ],
  }
}

function reduction(x: NdArray, y: NdArray): Problem {
  const [a, b] = [input('a', x.shape), input('b', y.shape)]
  // Positive terms: if they cancelled, the relative error of the sum would mean little.
  const positive = map(x, Math.abs)
  const inner = positive.data.reduce((total, value, i) => total + value * Math.abs(y.data[i]!), 0)
  return {
    feeds: [
      [a, f32(positive)],
      [b, f32(map(y, Math.abs))],
    ],
    results: [
      { family: 'reduction', value: sum(a), expected: scalar(positive.data.reduce((s, v) => s + v, 0)) },
      { family: 'reduction', value: dot(a, b), expected: scalar(inner) },
    ],
  }
}

/** Steps that the graph of a self-check runs. */
export const steps = 2

function update(p: NdArray, g: NdArray): Problem {
  const options = { learningRate: 0.01, weightDecay: 0.1 }
  const [weight, gradient] = [flat('p', p), input('gradient', g.shape)]
  const optimiser = new Adam([weight], options)
  let state = adam.initialState(p)
  for (let step = 0; step < steps; step++) state = adam.adamStep(state, g, options)
  return {
    feeds: [[gradient, f32(g)]],
    effects: optimiser.update([gradient]),
    results: [
      { family: 'Adam', value: weight, expected: state.parameter },
      { family: 'Adam', value: optimiser.moments[0]!.first, expected: state.firstMoment },
      { family: 'Adam', value: optimiser.moments[0]!.second, expected: state.secondMoment },
    ],
  }
}
