import { describe, expect, it } from 'vitest'
import { input, type Value } from '../../src/graph/value.js'
import {
  batchNormLayer,
  convLayer,
  convTransposeLayer,
  decoder,
  dropoutLayer,
  groupNormLayer,
  inTraining,
  instanceNormLayer,
  linearLayer,
  seededRandom,
  sequential,
  type Network,
} from '../../src/nn/index.js'
import { leakyRelu, maxPool3d, relu } from '../../src/ops/index.js'
import { compile } from '../../src/plan/compile.js'
import { describe as describePlan } from '../../src/plan/describe.js'
import { Variables } from '../../src/plan/variables.js'
import { evaluate, useGpu } from '../gpu.js'
import { drawFrom } from '../ops/check.js'
import * as activation from '../reference/activation.js'
import * as conv3d from '../reference/conv3d.js'
import * as convTranspose3d from '../reference/conv-transpose3d.js'
import * as groupNorm from '../reference/group-norm.js'
import * as instanceNorm from '../reference/instance-norm.js'
import * as linear from '../reference/linear.js'
import * as maxPool from '../reference/max-pool3d.js'
import { fromArray, map, relativeError, type NdArray } from '../reference/nd-array.js'

const device = useGpu()
const draw = drawFrom(31)

/** The initial contents of a parameter. */
const initial = ({ shape, initial }: Value): NdArray => fromArray([...shape], Float32Array.from(initial!))
const [weightOf, biasOf] = [0, 1].map((i) => (layer: Network) => initial(layer.parameters[i]!)) as [
  (layer: Network) => NdArray,
  (layer: Network) => NdArray,
]
const namesOf = (layer: Network) => layer.parameters.map(({ name, shape }) => `${name} ${shape.join('x')}`)

async function expectOutput(layer: Network, x: NdArray, expected: NdArray, flat: string[] = []) {
  const { y } = await evaluate(device.gpu, { x }, ({ x }) => ({ y: layer(x!) }), flat)
  expect(y.shape).toEqual(expected.shape)
  expect(relativeError(y, expected)).toBeLessThan(2e-6)
}

describe('convLayer', () => {
  it.each([
    [{}, { padding: 'same' }, '3x4x3x3x3'],
    [{ kernelSize: [1, 3, 3] }, { padding: 'same' }, '3x4x1x3x3'],
    [
      { kernelSize: 5, stride: 2, dilation: [1, 2, 1] },
      { stride: 2, dilation: [1, 2, 1], padding: [2, 4, 2] },
      '3x4x5x5x5',
    ],
    [{ kernelSize: 2, padding: 0 }, { padding: 0 }, '3x4x2x2x2'],
  ] as const)('%j', async (options, geometry, shape) => {
    const layer = convLayer('conv', 4, 3, seededRandom(1), options)
    expect(namesOf(layer)).toEqual([`conv.weight ${shape}`, 'conv.bias 3'])
    const x = draw([2, 4, 7, 11, 6])
    await expectOutput(layer, x, conv3d.forward(x, weightOf(layer), biasOf(layer), geometry))
  })

  it('cuts channels into groups, and may have no bias', async () => {
    const layer = convLayer('conv', 6, 4, seededRandom(1), { groups: 2, bias: false })
    expect(namesOf(layer)).toEqual(['conv.weight 4x3x3x3x3'])
    const x = draw([1, 6, 3, 5, 4])
    await expectOutput(layer, x, conv3d.forward(x, weightOf(layer), null, { groups: 2, padding: 1 }))
    expect(() => convLayer('head', 5, 4, Math.random, { groups: 2 })).toThrow(
      'head.weight: every extent must be a positive integer, not [4, 2.5, 3, 3, 3]',
    )
    expect(() => layer(input('scan', [1, 3, 4, 4, 4]))).toThrow(
      'conv: conv3d: weight conv.weight [4, 3, 3, 3, 3] reads 6',
    )
  })
})

describe('convTransposeLayer', () => {
  it.each([
    [{}, { stride: 2 }, '4x3x2x2x2'],
    [{ kernelSize: [1, 2, 3] }, { stride: [1, 2, 3] }, '4x3x1x2x3'],
    [
      { kernelSize: 3, stride: 2, padding: 1, outputPadding: 1 },
      { stride: 2, padding: 1, outputPadding: 1 },
      '4x3x3x3x3',
    ],
  ] as const)('%j', async (options, geometry, shape) => {
    const layer = convTransposeLayer('up', 4, 3, seededRandom(1), options)
    expect(namesOf(layer)).toEqual([`up.weight ${shape}`, 'up.bias 3'])
    const x = draw([2, 4, 3, 5, 2])
    await expectOutput(layer, x, convTranspose3d.forward(x, weightOf(layer), biasOf(layer), geometry))
  })
})

it('linearLayer', async () => {
  const layer = linearLayer('head.0', 7, 3, seededRandom(1))
  expect(namesOf(layer)).toEqual(['head.0.weight 3x7', 'head.0.bias 3'])
  const x = draw([5, 7])
  await expectOutput(layer, x, linear.forward(x, weightOf(layer), biasOf(layer)), ['x'])
})

it('instanceNormLayer and groupNormLayer', async () => {
  const x = draw([2, 4, 3, 5, 7], -3, 1)
  const [scale, shift] = [draw([4]), draw([4])]
  const instance = instanceNormLayer('norm', 4, { epsilon: 1e-3 })
  const group = groupNormLayer('norm', 2, 4)
  for (const [layer, expected] of [
    [instance, instanceNorm.forward(x, scale, shift, 1e-3)],
    [group, groupNorm.forward(x, 2, scale, shift)],
  ] as const) {
    expect(namesOf(layer)).toEqual(['norm.weight 4', 'norm.bias 4'])
    expect(layer.parameters.map((value) => [...value.initial!])).toEqual([
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ])
    const scan = input('scan', x.shape)
    const y = layer(scan)
    const variables = new Variables(device.gpu)
    const plan = await compile(device.gpu, { outputs: [y], variables })
    try {
      variables.write(layer.parameters[0]!, Float32Array.from(scale.data))
      variables.write(layer.parameters[1]!, Float32Array.from(shift.data))
      plan.write(scan, Float32Array.from(x.data))
      await plan.run()
      expect(relativeError(await plan.read(y), expected)).toBeLessThan(1e-5)
    } finally {
      plan.dispose()
      variables.dispose()
    }
  }
})

describe('sequential', () => {
  it('chains layers and ops, and collects their parameters', async () => {
    const random = seededRandom(2)
    const [first, last] = [
      convLayer('net.0', 1, 3, random),
      convLayer('net.3', 3, 2, random, { kernelSize: 1 }),
    ]
    const network = sequential(first, leakyRelu, maxPool3d, last, sequential(relu))
    expect(namesOf(network)).toEqual([
      'net.0.weight 3x1x3x3x3',
      'net.0.bias 3',
      'net.3.weight 2x3x1x1x1',
      'net.3.bias 2',
    ])
    expect(network.statistics).toEqual([])
    const x = draw([1, 1, 5, 6, 7])
    const hidden = activation.forward(
      'leakyRelu',
      conv3d.forward(x, weightOf(first), biasOf(first), { padding: 1 }),
    )
    const y = conv3d.forward(maxPool.forward(hidden), weightOf(last), biasOf(last), {})
    await expectOutput(
      network,
      x,
      map(y, (v) => Math.max(v, 0)),
    )
  })

  it('takes whole networks', () => {
    const names = sequential(decoder({ classes: 2 }), relu).parameters.map(({ name }) => name)
    expect(names).toEqual(['decoder.weight', 'decoder.bias'])
  })

  it('names the weights of a layer once, wherever it stands', () => {
    const shared = convLayer('shared', 2, 2, seededRandom(1))
    const norm = batchNormLayer('norm', 2)
    const network = sequential(shared, norm, relu, shared, norm)
    expect(network.parameters.map(({ name }) => name)).toEqual([
      'shared.weight',
      'shared.bias',
      'norm.weight',
      'norm.bias',
    ])
    expect(network.statistics.map(({ name }) => name)).toEqual(['norm.running_mean', 'norm.running_var'])
  })
})

describe('dropoutLayer', () => {
  const x = draw([1, 3, 5, 7, 11], 1, 2)

  it('refuses what is no probability when it is made, not in the first training', () => {
    for (const p of [-0.1, 1, NaN])
      expect(() => dropoutLayer(p)).toThrow(`dropout layer: p must be at least 0 and below 1, not ${p}`)
  })

  it('does nothing outside of a training, and ends with it', () => {
    const scan = input('scan', x.shape)
    const layer = dropoutLayer(0.5)
    expect(layer(scan)).toBe(scan)
    expect(() =>
      inTraining(() => {
        throw new Error('no graph')
      }),
    ).toThrow('no graph')
    expect(layer(scan)).toBe(scan)
    // After the first await it would build for the evaluation.
    expect(() => inTraining(() => Promise.resolve(layer(scan)))).toThrow('returned a promise')
    expect(layer(scan)).toBe(scan)
    expect(layer.parameters).toEqual([])
  })

  it('draws another mask for each layer, step and seed', async () => {
    const draws = new Set<string>()
    for (const seed of [0, 1]) {
      const scan = input('scan', x.shape)
      const layers = [dropoutLayer(0.4), dropoutLayer(0.4)]
      const { result } = inTraining(() => layers.map((layer) => layer(scan)), { seed })
      const plan = await compile(device.gpu, { outputs: result })
      try {
        plan.write(scan, Float32Array.from(x.data))
        for (let step = 0; step < 2; step++) {
          await plan.run()
          for (const value of result) {
            const numbers = await plan.read(value)
            const kept = numbers.map((y, i) => (y === 0 ? 0 : y / x.data[i]!))
            expect(new Set(kept.map((factor) => Math.round(1e4 * factor)))).toEqual(new Set([0, 16667]))
            const share = kept.filter((factor) => factor > 0).length / kept.length
            expect(Math.abs(share - 0.6)).toBeLessThan(0.06)
            draws.add(kept.map((factor) => (factor > 0 ? 1 : 0)).join(''))
          }
        }
      } finally {
        plan.dispose()
      }
    }
    expect(draws.size).toBe(8)
  })
})

it('names the layer of every dispatch', async () => {
  const network = sequential(convLayer('stem', 1, 2, seededRandom(1)), instanceNormLayer('norm', 2))
  const plan = await compile(device.gpu, { outputs: [network(input('scan', [1, 1, 4, 4, 4]))] })
  try {
    const layers = new Set(describePlan(plan).map(({ layer }) => layer))
    expect(layers).toEqual(new Set(['stem', 'norm']))
  } finally {
    plan.dispose()
  }
})
