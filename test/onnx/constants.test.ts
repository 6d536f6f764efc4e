import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { writeOnnx, type OnnxTensor } from '../../src/io/onnx.js'
import { inTraining } from '../../src/nn/index.js'
import { onnxNetwork, type OnnxNetwork } from '../../src/onnx/index.js'
import { multiply, square, squaredError, sum } from '../../src/ops/index.js'
import { SGD } from '../../src/optim/index.js'
import { compile } from '../../src/plan/compile.js'
import { Variables } from '../../src/plan/variables.js'
import { evaluate, useGpu } from '../gpu.js'
import { drawFrom } from '../ops/check.js'
import { fromArray, relativeError, type NdArray } from '../reference/nd-array.js'

const device = useGpu()
const draw = drawFrom(43)

async function outputOf(bytes: Uint8Array, x: NdArray): Promise<NdArray> {
  const network = onnxNetwork(bytes)
  const { y } = await evaluate(device.gpu, { x }, ({ x }) => ({ y: network(x!) }))
  return y
}

const integers = (name: string, dims: readonly number[], numbers: readonly number[]): OnnxTensor => ({
  name,
  dims,
  data: BigInt64Array.from(numbers, BigInt),
})

describe('arithmetic of what the file knows', () => {
  /** x + (a - b), where a and b are constants. */
  const differenceOf = (a: OnnxTensor, b: OnnxTensor, dims: readonly number[]) =>
    writeOnnx({
      name: 'known',
      inputs: [{ name: 'x', dims }],
      outputs: [{ name: 'y', dims }],
      constants: [a, b],
      nodes: [
        { op: 'Sub', name: 'sub', inputs: ['a', 'b'], output: 'whole' },
        { op: 'Cast', name: 'cast', inputs: ['whole'], output: 'difference', attributes: { to: 1 } },
        { op: 'Add', name: 'add', inputs: ['x', 'difference'], output: 'y' },
      ],
    })

  it.each([
    [
      [3, 1],
      [10, 20, 30],
      [1, 3],
      [1, 2, 3],
      [3, 3],
      [9, 8, 7, 19, 18, 17, 29, 28, 27],
    ],
    [[2, 1], [10, 20], [3], [1, 2, 3], [2, 3], [9, 8, 7, 19, 18, 17]],
    [[3], [1, 2, 3], [2, 1], [10, 20], [2, 3], [-9, -8, -7, -19, -18, -17]],
    [[], [10], [1, 1], [1], [1, 1], [9]],
    [
      [2, 1, 2],
      [1, 2, 3, 4],
      [2, 1],
      [0, 10],
      [2, 2, 2],
      [1, 2, -9, -8, 3, 4, -7, -6],
    ],
  ])('broadcasts %j %j and %j %j', async (dimsA, a, dimsB, b, shape, expected) => {
    const x = draw(shape)
    const y = await outputOf(differenceOf(integers('a', dimsA, a), integers('b', dimsB, b), shape), x)
    expect(y.shape).toEqual(shape)
    expect(
      relativeError(
        y,
        fromArray(
          shape,
          [...x.data].map((n, i) => n + expected[i]!),
        ),
      ),
    ).toBeLessThan(2e-6)
  })

  it('fails for axes that do not fit, or if the result is too large', () => {
    const build = (a: readonly number[], b: readonly number[]) => () => {
      const zeros = (dims: readonly number[]) => Array<number>(dims.reduce((size, n) => size * n, 1)).fill(0)
      onnxNetwork(differenceOf(integers('a', a, zeros(a)), integers('b', b, zeros(b)), [3]))(input('x', [3]))
    }
    expect(build([2, 1], [3, 1])).toThrow('sub: Sub: [2, 1] and [3, 1] cannot be broadcast to one shape')
    expect(build([2000, 1], [2000])).toThrow('sub: Sub: a constant of shape [2000, 2000] is too large')
  })
})

it.each([
  ['no axes', undefined],
  ['an empty list of axes', []],
])('a reduction over %s combines all', async (_, axes) => {
  const reduced = writeOnnx({
    name: 'reduced',
    inputs: [{ name: 'x', dims: [2, 3] }],
    outputs: [{ name: 'y', dims: [1, 1] }],
    constants: axes ? [integers('axes', [0], axes)] : [],
    nodes: [
      {
        op: 'ReduceMean',
        name: 'mean',
        inputs: axes ? ['x', 'axes'] : ['x'],
        output: 'y',
        attributes: { keepdims: 1 },
      },
    ],
  })
  const y = await outputOf(reduced, fromArray([2, 3], [1, 2, 3, 4, 5, 9]))
  expect(y.shape).toEqual([1, 1])
  expect(y.data[0]).toBeCloseTo(4, 6)
})

describe('weights that a file stores once for several uses', () => {
  const numbers = (name: string, dims: readonly number[], ...data: number[]): OnnxTensor => ({
    name,
    dims,
    data: Float32Array.from(data),
  })
  const normalisation = (name: string, from: string, names: readonly string[]) => ({
    op: 'BatchNormalization',
    name,
    inputs: [from, ...names],
    output: name,
  })
  const identity = (name: string, of: string) => ({ op: 'Identity', name, inputs: [of], output: name })
  const dims = [2, 2, 3]
  /** PyTorch's export of two batch normalisations and a PReLU with one slope: what is equal is stored once. */
  const file = writeOnnx({
    name: 'stored once',
    inputs: [{ name: 'x', dims }],
    outputs: [{ name: '2', dims }],
    constants: [
      numbers('0.weight', [2], 1, 1),
      numbers('0.bias', [2], 0, 0),
      numbers('slope', [1], 0.25),
      numbers('half', [1], 0.5),
    ],
    nodes: [
      identity('0.mean', '0.bias'),
      identity('0.variance', '0.weight'),
      identity('1.weight', '0.weight'),
      identity('1.bias', '0.bias'),
      identity('1.mean', '0.mean'),
      identity('1.variance', '0.variance'),
      normalisation('0', 'x', ['0.weight', '0.bias', '0.mean', '0.variance']),
      { op: 'PRelu', name: 'act', inputs: ['0', 'slope'], output: 'act' },
      normalisation('1', 'act', ['1.weight', '1.bias', '1.mean', '1.variance']),
      { op: 'Mul', name: '2', inputs: ['1', 'half'], output: '2' },
    ],
  })

  it('are parameters and statistics of their own, unlike a number in arithmetic', () => {
    const network = onnxNetwork(file)
    const names = ['0.weight', '0.bias', 'slope', '1.weight', '1.bias']
    expect(network.parameters.map(({ name }) => name)).toEqual(names)
    expect(network.statistics.map(({ name }) => name)).toEqual([
      ...['0.mean', '0.variance', '1.mean', '1.variance'],
    ])
  })

  it('come apart in training', async () => {
    const network = onnxNetwork(file)
    const [x, y] = [input('x', dims), input('y', [2, 2, 1, 1, 3])]
    const { result: loss, updates } = inTraining(() => squaredError(network(x), y))
    expect(updates).toHaveLength(2)
    const variables = new Variables(device.gpu)
    const effects = [...new SGD(network.parameters, { learningRate: 0.1 }).minimise(loss), ...updates]
    const step = await compile(device.gpu, { outputs: [], report: [loss], effects, variables })
    try {
      for (const value of [x, y]) step.write(value, Float32Array.from(draw(dims).data))
      await step.run()
      const read = await variables.readAll([...network.parameters, ...network.statistics])
      const contents = [...read.values()].map(({ data }) => data.join())
      expect(new Set(contents).size).toBe(9)
      expect(read.get('slope')!.data[0]).not.toBe(0.25)
    } finally {
      step.dispose()
      variables.dispose()
    }
  })
})

describe('weights that a file does not give to an operation directly', () => {
  const numbers = (name: string, dims: readonly number[], ...data: number[]): OnnxTensor => ({
    name,
    dims,
    data: Float32Array.from(data),
  })
  const dims = [2, 2, 3]
  const through = (op: string, inputs: readonly string[], attributes = {}) => ({
    op,
    name: 'view',
    inputs,
    output: 'view',
    attributes,
  })
  const shape = integers('shape', [3], [1, -1, 1])
  const axes = integers('axes', [1], [1])

  it.each([
    ['Unsqueeze', [2], through('Unsqueeze', ['slope', 'axes'])],
    ['Reshape', [2], through('Reshape', ['slope', 'shape'])],
    ['Transpose', [1, 2], through('Transpose', ['slope'], { perm: [1, 0] })],
    ['Cast', [2, 1], through('Cast', ['slope'], { to: 1 })],
    ['Identity', [2, 1], through('Identity', ['slope'])],
  ])('are trained behind a node %s', async (_, of, view) => {
    const bytes = writeOnnx({
      name: 'slope',
      inputs: [{ name: 'x', dims }],
      outputs: [{ name: 'y', dims }],
      constants: [numbers('slope', of, 0.25, 0.5), shape, axes],
      nodes: [view, { op: 'PRelu', name: 'y', inputs: ['x', 'view'], output: 'y' }],
    })
    const network = onnxNetwork(bytes)
    expect(network.parameters.map(({ name, shape }) => [name, shape])).toEqual([['slope', of]])
    const x = fromArray(dims, [-1, 2, -3, 4, -5, 6, -7, 8, -9, 10, -11, 12])
    const y = await outputOf(bytes, x)
    expect([...y.data]).toEqual([-0.25, 2, -0.75, 4, -2.5, 6, -1.75, 8, -2.25, 10, -5.5, 12])
    // The gradient of the sum of squares / 2 is the sum of y min(x, 0).
    const { slope } = await trainedOnce(network, x)
    expect(slope![0]).toBeCloseTo(0.25 - 0.01 * 0.25 * (1 + 9 + 49 + 81), 5)
    expect(slope![1]).toBeCloseTo(0.5 - 0.01 * 0.5 * (25 + 121), 5)
  })

  it('stay one if they are tied by an Identity', async () => {
    const initial = [1, 2, 3, 5]
    const product = (name: string, from: string, weight: string, output: string) => ({
      op: 'MatMul',
      name,
      inputs: [from, weight],
      output,
    })
    const bytes = writeOnnx({
      name: 'tied',
      inputs: [{ name: 'x', dims: [1, 2] }],
      outputs: [{ name: 'y', dims: [1, 2] }],
      constants: [numbers('weight', [2, 2], ...initial)],
      nodes: [
        { op: 'Identity', name: 'again', inputs: ['weight'], output: 'again' },
        product('first', 'x', 'weight', 'middle'),
        product('second', 'middle', 'again', 'y'),
      ],
    })
    const network = onnxNetwork(bytes)
    expect(network.parameters.map(({ name }) => name)).toEqual(['weight'])
    const x = fromArray([1, 2], [1, 0])
    expect([...(await outputOf(bytes, x)).data]).toEqual([7, 12])
    // y = x W W, so the gradient of |y|^2 / 2 is x^T (y W^T) + (x W)^T y.
    const { weight } = await trainedOnce(network, x)
    const gradient = [7 * 1 + 12 * 2 + 1 * 7, 7 * 3 + 12 * 5 + 1 * 12, 2 * 7, 2 * 12]
    expect(
      relativeError(
        fromArray([4], weight!),
        fromArray(
          [4],
          initial.map((n, i) => n - 0.01 * gradient[i]!),
        ),
      ),
    ).toBeLessThan(1e-6)
  })
})

/** The parameters after a step down the gradient of the sum of squares / 2, at rate 0.01. */
async function trainedOnce(
  network: OnnxNetwork,
  { shape, data }: NdArray,
): Promise<Record<string, Float32Array>> {
  const x = input('x', shape)
  const y = network(x)
  const variables = new Variables(device.gpu)
  const loss = multiply(sum(square(y)), 0.5)
  const effects = new SGD(network.parameters, { learningRate: 0.01 }).minimise(loss)
  const step = await compile(device.gpu, { outputs: [], effects, variables })
  try {
    step.write(x, Float32Array.from(data))
    await step.run()
    const read = await variables.readAll(network.parameters)
    return Object.fromEntries([...read].map(([name, { data }]) => [name, data]))
  } finally {
    step.dispose()
    variables.dispose()
  }
}
