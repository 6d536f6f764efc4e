/** The references against PyTorch, operation by operation. */
import { describe, expect, it } from 'vitest'
import * as adam from './adam.js'
import * as avgPool3d from './avg-pool3d.js'
import * as conv3d from './conv3d.js'
import * as convTranspose3d from './conv-transpose3d.js'
import * as crossEntropy from './cross-entropy.js'
import { openGolden, type Golden } from './golden.js'
import * as instanceNorm from './instance-norm.js'
import * as maxPool3d from './max-pool3d.js'
import * as mrf from './mrf.js'
import { map, relativeError, zeros, type NdArray } from './nd-array.js'
import * as sgd from './sgd.js'
import * as softmax from './softmax.js'
import * as upsampleNearest from './upsample-nearest.js'
import * as upsampleTrilinear from './upsample-trilinear.js'

const TOLERANCE = 1e-5

/** Takes the tensors of one group by their last name (x, w, b, gout, ...) and returns what to compare with them. */
type Reproduce = (tensor: (name: string) => NdArray) => Record<string, NdArray>

const convolution =
  (options: conv3d.Conv3dOptions = {}): Reproduce =>
  (tensor) => {
    const [x, w, b] = [tensor('x'), tensor('w'), tensor('b')]
    const { gradInput, gradWeight, gradBias } = conv3d.backward(tensor('gout'), x, w, b, options)
    return { out: conv3d.forward(x, w, b, options), gx: gradInput, gw: gradWeight, gb: gradBias }
  }

const transposed =
  (options: convTranspose3d.ConvTranspose3dOptions): Reproduce =>
  (tensor) => {
    const [x, w, b] = [tensor('x'), tensor('w'), tensor('b')]
    const { gradInput, gradWeight, gradBias } = convTranspose3d.backward(tensor('gout'), x, w, options)
    return { out: convTranspose3d.forward(x, w, b, options), gx: gradInput, gw: gradWeight, gb: gradBias }
  }

const maxPooling: Reproduce = (tensor) => ({
  out: maxPool3d.forward(tensor('x')),
  gx: maxPool3d.backward(tensor('gout'), tensor('x')).gradInput,
})

const energy =
  (k: number): Reproduce =>
  (tensor) => {
    const [pi, logTable] = [tensor('pi'), mrf.logMrfTable(tensor('table'))]
    return {
      out: mrf.mrfEnergy(pi, logTable, k),
      gpi: mrf.mrfEnergyBackward(tensor('gout'), pi, logTable, k).gradPi,
    }
  }

/** Each operation of `factor * x`: the gradient with respect to x carries the factor once more. */
const times = (array: NdArray, factor: number) => map(array, (value) => factor * value)

const ops: Record<string, Reproduce> = {
  conv3d_1_4: convolution(),
  conv3d_3_5: convolution(),
  conv3d_14_14: convolution(),
  conv3d_64_16: convolution(),
  conv3d_14_1: convolution(),
  maxpool3d: maxPooling,
  maxpool3d_odd: maxPooling,
  upsample_nearest: (tensor) => ({
    out: upsampleNearest.forward(tensor('x')),
    gx: upsampleNearest.backward(tensor('gout')).gradInput,
  }),
  log_softmax: (tensor) => {
    const logits = times(tensor('x'), 20)
    const { gradInput } = softmax.logSoftmaxBackward(tensor('gout'), logits)
    return { out: softmax.logSoftmax(logits), gx: times(gradInput, 20) }
  },
  mrf_k3: energy(3),
  mrf_k5: energy(5),
  mrf_k7: energy(7),
  instancenorm3d: (tensor) => ({
    out: instanceNorm.forward(tensor('x'), null, null),
    gx: instanceNorm.backward(tensor('gout'), tensor('x'), null).gradInput,
  }),
}

const generalOps: Record<string, Reproduce> = {
  conv3d_stride2_pad1: convolution({ stride: 2, padding: 1 }),
  conv3d_dilation2_pad2: convolution({ dilation: 2, padding: 2 }),
  conv3d_groups2_pad1: convolution({ groups: 2, padding: 1 }),
  conv3d_depthwise_pad1: convolution({ groups: 6, padding: 1 }),
  conv3d_k135_pad012: convolution({ padding: [0, 1, 2] }),
  conv3d_k2_stride2_valid: convolution({ stride: 2, padding: 0 }),
  conv3d_k5_pad2: convolution(),
  conv_transpose3d_k2_stride2: transposed({ stride: 2 }),
  conv_transpose3d_k3_stride2_pad1_outpad1: transposed({ stride: 2, padding: 1, outputPadding: 1 }),
  avg_pool3d: (tensor) => ({
    out: avgPool3d.forward(tensor('x'), { kernelSize: 2 }),
    gx: avgPool3d.backward(tensor('gout'), tensor('x'), { kernelSize: 2 }).gradInput,
  }),
  upsample_trilinear_x2: (tensor) => ({
    out: upsampleTrilinear.forward(tensor('x'), 2),
    gx: upsampleTrilinear.backward(tensor('gout'), 2).gradInput,
  }),
  instance_norm_affine: (tensor) => {
    const [x, w, b] = [tensor('x'), tensor('w'), tensor('b')]
    const { gradInput, gradWeight, gradBias } = instanceNorm.backward(tensor('gout'), x, w)
    return { out: instanceNorm.forward(x, w, b), gx: gradInput, gw: gradWeight, gb: gradBias }
  },
  cross_entropy_mean: (tensor) => {
    const logits = times(tensor('x'), 5)
    const target = oneHot(tensor('labels'), logits.shape)
    const { gradLogits } = crossEntropy.backward(tensor('gout'), logits, target)
    return { out: crossEntropy.forward(logits, target), gx: times(gradLogits, 5) }
  },
  sgd_momentum: descent({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 }),
  sgd_nesterov: descent({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
  adamw: adaptive({ learningRate: 0.01, decoupledDecay: 0.05 }),
  adam_amsgrad: adaptive({ learningRate: 0.01, amsgrad: true }),
}

function descent(options: sgd.SgdOptions): Reproduce {
  return (tensor) => {
    let state = sgd.initialState(tensor('init'))
    for (let step = 0; step < 4; step++) state = sgd.sgdStep(state, tensor(`grad${step}`), options)
    return { final: state.parameter }
  }
}

function adaptive(options: adam.AdamOptions): Reproduce {
  return (tensor) => {
    let state = adam.initialState(tensor('init'))
    for (let step = 0; step < 4; step++) state = adam.adamStep(state, tensor(`grad${step}`), options)
    return { final: state.parameter }
  }
}

/** labels [N, D, H, W] as [N, C, D, H, W]. */
function oneHot(labels: NdArray, shape: readonly number[]): NdArray {
  const [, C, D, H, W] = shape as [number, number, number, number, number]
  const target = zeros(shape)
  const voxels = D * H * W
  labels.data.forEach((label, i) => {
    target.data[(Math.floor(i / voxels) * C + label) * voxels + (i % voxels)] = 1
  })
  return target
}

function compare(golden: Golden | null, group: string, reproduce: Reproduce): void {
  const results = reproduce((name) => golden!.tensor(`${group}.${name}`))
  for (const [name, actual] of Object.entries(results)) {
    const error = relativeError(actual, golden!.tensor(`${group}.${name}`))
    expect(error, `${group}.${name}`).toBeLessThanOrEqual(TOLERANCE)
  }
}

const golden = openGolden('ops.safetensors')
describe.skipIf(!golden)('ops.safetensors', () => {
  it.each(Object.entries(ops))('%s', (group, reproduce) => {
    compare(golden, group, reproduce)
  })

  it('has no further group', () => {
    expect(new Set(golden!.names.map((name) => name.split('.')[0]))).toEqual(new Set(Object.keys(ops)))
  })
})

const general = openGolden('ops_general.safetensors')
describe.skipIf(!general)('ops_general.safetensors, the operations that have a reference', () => {
  it.each(Object.entries(generalOps))('%s', (group, reproduce) => {
    compare(general, group, reproduce)
  })
})
