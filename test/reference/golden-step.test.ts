/** The references, put together to the objective of docs/equations.md, against the first step of whole PyTorch training runs. */
import { describe, expect, it } from 'vitest'
import * as conv3d from './conv3d.js'
import * as elementwise from './elementwise.js'
import { openGolden, type Golden } from './golden.js'
import * as gumbelSoftmax from './gumbel-softmax.js'
import * as klDivergence from './kl-divergence.js'
import * as mrf from './mrf.js'
import { forEachVoxel, maxAbsError, relativeError, scalar, zeros, type NdArray } from './nd-array.js'
import * as softmax from './softmax.js'
import * as squaredError from './squared-error.js'
import * as supportMask from './support-mask.js'

const CLASSES = 14
const TERM = 1e-5
const ACTIVATION = 1e-4
const GRADIENT = 1e-3

describe.each(['step_fixed_k3', 'step_estimated_k5', 'step_nomrf'])('%s', (name) => {
  const golden = openGolden(`${name}.safetensors`)
  const first = golden && openStep(golden)

  it.skipIf(!first)('starts from this prior and MRF table', () => {
    expectPrior(first!)
  })
  it.skipIf(!first)('samples and reconstructs', () => {
    expectActivations(first!)
  })
  it.skipIf(!first)('has these loss terms', () => {
    expectTerms(first!)
  })
  it.skipIf(!first)('has this gradient at the decoder', () => {
    expectDecoderGradient(first!)
  })
  // The largest crop would take ten seconds here and has nothing that the other two and its decoder have not.
  if (name !== 'step_estimated_k5') {
    it.skipIf(!first)('has this gradient at the last layer of the encoder', () => {
      expectEncoderGradient(first!)
    })
  }
})

/** What the first step starts from: stored tensors and the settings as numbers. */
function openStep(golden: Golden) {
  const { tau, beta, k, alpha, sigma_mode: sigmaMode, var: variance } = golden.metadata
  const [x, posterior] = [golden.tensor('x'), softmax.softmax(golden.tensor('logits'))]
  const estimated = sigmaMode === 'estimated'
  return {
    golden,
    x,
    prior: golden.tensor('prior'),
    logits: golden.tensor('logits'),
    noise: golden.tensor('noise.0'),
    sample: golden.tensor('sample'),
    posterior,
    decoder: [golden.tensor('init.decoder.weight'), golden.tensor('init.decoder.bias')] as const,
    logTable: mrf.logMrfTable(golden.tensor('mrf_table')),
    temperature: Number(tau),
    beta: Number(beta),
    k: Number(k),
    reconstructionWeight: estimated ? estimatedWeight(Number(variance)) : Number(alpha),
    logVariance: estimated ? 0.5 * x.data.length * Math.log(Number(variance) + 1e-12) : 0,
  }
}
type Step = ReturnType<typeof openStep>

const sigmoid = { activation: 'sigmoid' } as const

function expectPrior({ golden, prior, logits, logTable, k }: Step): void {
  const below = (values: NdArray, limit: number) => values.data.map((value) => (value < limit ? 1 : 0))
  expect(maxAbsError(below(prior, 1e-8), below(logits, -1e11))).toBe(0)

  const classes = golden.tensor('prior_classes')
  expect(maxAbsError(argmax(prior), classes.data)).toBe(0)

  // The stored table has zero rows for absent classes: the 1e-12 makes them uniform, as ours are from the start.
  const table = mrf.logMrfTable(mrf.mrfTable(classes, CLASSES, k))
  expect(relativeError(table, logTable)).toBeLessThan(TERM)
}

function expectActivations({
  golden,
  x,
  logits,
  noise,
  sample,
  posterior,
  decoder,
  temperature,
}: Step): void {
  expect(relativeError(posterior, golden.tensor('posterior'))).toBeLessThan(ACTIVATION)

  const [ours, stored] = [argmax(gumbelSoftmax.forward(logits, noise, temperature, true)), argmax(sample)]
  const differing = ours.filter((label, i) => label !== stored[i]).length
  expect(differing / x.data.length).toBeLessThanOrEqual(1e-4)

  const reconstruction = conv3d.forward(sample, ...decoder, sigmoid)
  expect(relativeError(reconstruction, golden.tensor('recon'))).toBeLessThan(ACTIVATION)
}

/** Every term as it enters the loss: reconstruction with its weight and log-variance, MRF with beta. */
function expectTerms(step: Step): void {
  const { golden, x, prior, logits, posterior, logTable, beta, k, reconstructionWeight: weight } = step
  const squared = squaredError.forward(golden.tensor('recon'), x).data[0]!
  const recon = weight * squared + step.logVariance
  const kl = klDivergence.forward(logits, prior).data[0]!
  const mrfTerm = beta * mrf.mrfEnergy(posterior, logTable, k).data[0]!
  const terms = { mse: squared / x.data.length, weight, recon, kl, mrf: mrfTerm, loss: recon + kl + mrfTerm }
  for (const [name, value] of Object.entries(terms)) {
    expect(relativeError([value], golden.tensor(`step0.${name}`)), name).toBeLessThanOrEqual(TERM)
  }
}

/** The gradients of the decoder's weight and bias, and of the sample that it decodes. */
function decoderGradients({ golden, x, sample, decoder, reconstructionWeight }: Step) {
  const { gradInput } = squaredError.backward(scalar(reconstructionWeight), golden.tensor('recon'), x)
  return conv3d.backward(gradInput, sample, ...decoder, sigmoid)
}

function expectDecoderGradient(step: Step): void {
  const { gradWeight, gradBias } = decoderGradients(step)
  expect(relativeError(gradWeight, step.golden.tensor('grad.decoder.weight'))).toBeLessThan(GRADIENT)
  expect(relativeError(gradBias, step.golden.tensor('grad.decoder.bias'))).toBeLessThan(GRADIENT)
}

function expectEncoderGradient(step: Step): void {
  const { golden, prior, logits, noise, posterior, logTable, temperature, beta, k } = step
  const { gradPi } = mrf.mrfEnergyBackward(scalar(beta), posterior, logTable, k)
  const gradLogits = [
    gumbelSoftmax.backward(decoderGradients(step).gradInput, logits, noise, temperature).gradLogits,
    klDivergence.backward(scalar(1), logits, prior).gradLogits,
    softmax.softmaxBackward(gradPi, logits).gradInput,
  ].reduce(elementwise.add)
  const { gradWeight, gradBias } = conv3d.backward(
    supportMask.backward(gradLogits, prior).gradLogits,
    golden.tensor('act.block8'),
    golden.tensor('init.encoder.conv.weight'),
    golden.tensor('init.encoder.conv.bias'),
  )
  expect(relativeError(gradWeight, golden.tensor('grad.encoder.conv.weight'))).toBeLessThan(GRADIENT)
  expect(relativeError(gradBias, golden.tensor('grad.encoder.conv.bias'))).toBeLessThan(GRADIENT)
}

/** w = clip(0.5 / 10^round(log10 var), 0, 500). */
const estimatedWeight = (variance: number): number =>
  Math.min(0.5 / 10 ** Math.round(Math.log10(variance)), 500)

/** The first largest channel of each voxel, [N, C, ...] -> N x voxels. */
function argmax(values: NdArray): Float64Array {
  const labels = zeros([values.data.length / values.shape[1]!]).data
  let voxel = 0
  forEachVoxel(values, (channels) => {
    const winner = channels.reduce((best, c) => (values.data[c]! > values.data[best]! ? c : best))
    labels[voxel++] = channels.indexOf(winner)
  })
  return labels
}
