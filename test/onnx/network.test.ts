import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { UserError } from '../../src/errors.js'
import { encoderGraph } from '../../src/cli/encoder-onnx.js'
import { input } from '../../src/graph/value.js'
import { writeOnnx, type OnnxGraph, type OnnxNode, type OnnxTensor } from '../../src/io/onnx.js'
import { inTraining } from '../../src/nn/index.js'
import { onnxNetwork } from '../../src/onnx/index.js'
import { squaredError } from '../../src/ops/index.js'
import { Adam } from '../../src/optim/index.js'
import { compile } from '../../src/plan/compile.js'
import { Variables } from '../../src/plan/variables.js'
import { createModel, modelLogits } from '../../src/sae/model.js'
import { evaluate, useGpu } from '../gpu.js'
import { drawFrom } from '../ops/check.js'
import { fromArray, map, relativeError, type NdArray } from '../reference/nd-array.js'
import { decodeOnnx } from '../sae/gpu/onnx-decode.js'
import { evaluateOnnx } from '../sae/gpu/onnx-evaluate.js'
import { madeNnUnet } from './made-nnunet.js'

const device = useGpu()
const draw = drawFrom(41)

const fileOf = (name: string) => readFileSync(new URL(`golden/${name}`, import.meta.url))

async function outputOf(bytes: Uint8Array, x: NdArray): Promise<NdArray> {
  const network = onnxNetwork(bytes)
  const { y } = await evaluate(device.gpu, { x }, ({ x }) => ({ y: network(x!) }))
  return y
}

describe('a file that PyTorch exported', () => {
  it.each([
    ['nnunet', [1, 1, 8, 12, 4], [1, 3, 8, 12, 4]],
    // Images are volumes with D = 1.
    ['images', [2, 2, 1, 17, 21], [2, 5]],
    ['volumes', [1, 1, 8, 12, 6], [1, 3, 11, 12, 8]],
    ['attention', [2, 7, 12], [2, 7, 12]],
    ['modern', [2, 1, 1, 12, 16], [2, 3, 1, 12, 16]],
  ])('%s gives what PyTorch computes', async (name, from, to) => {
    const golden = (part: string, shape: readonly number[]) =>
      fromArray([...shape], new Float32Array(new Uint8Array(fileOf(`${name}.${part}.f32`)).buffer))
    const result = await outputOf(fileOf(`${name}.onnx`), golden('x', from))
    expect(result.shape).toEqual(to)
    expect(relativeError(result, golden('y', to))).toBeLessThan(2e-6)
  })

  it('has its parameters under the names of PyTorch, and others that are trained', () => {
    const names = onnxNetwork(fileOf('nnunet.onnx')).parameters.map(
      ({ name, shape }) => `${name} ${shape.join('x')}`,
    )
    expect(names).toHaveLength(2 * 23)
    expect(names).toContain('down.1.0.conv.weight 3x2x3x3x3')
    expect(names).toContain('stages.0.1.norm.bias 3')
    const images = onnxNetwork(fileOf('images.onnx'))
    expect(images.parameters.map(({ name }) => name)).toContain('norm.weight')
    // Those of arithmetic, of tables and of tokens are trained too; a buffer of positions is not.
    const modern = onnxNetwork(fileOf('modern.onnx')).parameters.map(({ name }) => name)
    expect(modern).toEqual(
      expect.arrayContaining(['scale', 'token', 'positions', 'gate.weight', 'norm.bias']),
    )
    expect(modern).not.toContain('index')
    expect(images.statistics.map(({ name }) => name)).toEqual(['norm.running_mean', 'norm.running_var'])
  })

  it('is for volumes of other sizes too', async () => {
    const x = draw([2, 1, 4, 8, 12])
    const y = await outputOf(fileOf('nnunet.onnx'), x)
    expect(y.shape).toEqual([2, 3, 4, 8, 12])
    const alone = await outputOf(fileOf('nnunet.onnx'), fromArray([1, 1, 4, 8, 12], x.data.slice(0, 384)))
    expect(relativeError(fromArray(alone.shape, y.data.slice(0, 3 * 384)), alone)).toBeLessThan(2e-6)
  })

  it('can be trained further', async () => {
    const network = onnxNetwork(fileOf('images.onnx'))
    const [x, y] = [input('x', [3, 2, 1, 17, 21]), input('y', [3, 5])]
    const { result: loss, updates } = inTraining(() => squaredError(network(x), y))
    expect(updates).toHaveLength(1)
    const adam = new Adam(network.parameters, { learningRate: 0.02 })
    const variables = new Variables(device.gpu)
    const effects = [...adam.minimise(loss), ...updates]
    const step = await compile(device.gpu, { outputs: [], report: [loss], effects, variables })
    try {
      step.write(x, Float32Array.from(draw(x.shape).data))
      step.write(y, Float32Array.from(draw(y.shape).data))
      const losses: number[] = []
      for (let i = 0; i < 12; i++) losses.push((await step.run())[0]![0]!)
      expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!)
      const moved = await Promise.all(
        [...network.parameters, ...network.statistics].map(async (value) => {
          const now = await variables.read(value)
          return now.some((n, i) => n !== value.initial![i]) ? 'moved' : value.name
        }),
      )
      expect(new Set(moved)).toEqual(new Set(['moved']))
    } finally {
      step.dispose()
      variables.dispose()
    }
  })
})

describe('an nnU-Net of three resolutions', () => {
  const shape = [12, 8, 20]
  const bytes = writeOnnx(madeNnUnet([3, 5, 6], 4, shape))
  const scan = draw([1, 1, ...shape])

  it('gives the logits of the reference in float64', async () => {
    const expected = evaluateOnnx(decodeOnnx(bytes), { scan }).get('logits')!
    expect(relativeError(await outputOf(bytes, scan), expected)).toBeLessThan(2e-6)
  })

  const peers = new URL('../../bench/peers/', import.meta.url)
  const missing = !existsSync(new URL('node_modules/onnxruntime-node', peers))
  if (missing)
    console.warn('SKIPPED: onnxruntime-node is not in bench/peers (npm run bench:peers installs it)')

  it.skipIf(missing)('gives the logits of onnxruntime', async () => {
    const ort = createRequire(peers)('onnxruntime-node') as Ort
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ['cpu'] })
    const feed = new ort.Tensor('float32', Float32Array.from(scan.data), scan.shape)
    const { logits } = await session.run({ scan: feed })
    const expected = fromArray([1, 4, ...shape], logits!.data)
    expect(relativeError(await outputOf(bytes, scan), expected)).toBeLessThan(2e-6)
  })
})

/** The part of onnxruntime-node that is used here; it is not installed when types are checked. */
interface Ort {
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => object
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{
      run(feeds: Record<string, object>): Promise<Record<string, { readonly data: Float32Array }>>
    }>
  }
}

it.each([
  { classes: 3, widths: [2, 3, 4], instanceNorm: false },
  { classes: 4, widths: [3, 2], instanceNorm: true, priorLogits: true },
])('reads what we export: %j', async (architecture) => {
  const model = createModel(architecture, 3)
  const tensors = model.parameters.map(
    ({ name, shape, initial }) => [name, { shape, data: Float32Array.from(initial!) }] as const,
  )
  const network = onnxNetwork(writeOnnx(encoderGraph(architecture, new Map(tensors))))
  const encoder = model.parameters.map(({ name }) => name).filter((name) => name.startsWith('encoder'))
  expect(network.parameters.map(({ name }) => name)).toEqual(expect.arrayContaining(encoder))
  const scan = draw([1, 1, 5, 9, 7])
  const prior = map(draw([1, architecture.classes, 5, 9, 7], 0, 1), (p) => (p < 0.3 ? 0 : p))
  const { own, read } = await evaluate(device.gpu, { scan, prior }, (v) => ({
    own: modelLogits(model, v.scan!, v.prior!).logits,
    read: network.outputsOf({ scan: v.scan!, ...(architecture.priorLogits ? { prior: v.prior! } : {}) })
      .logits!,
  }))
  expect(relativeError(read, own)).toBeLessThan(1e-5)
})

/** A file of one operation with input x. */
function fileWith(
  node: Partial<OnnxNode>,
  constants: readonly OnnxTensor[] = [],
  dims = [1, 2, 3, 4, 5],
): Uint8Array {
  const graph: OnnxGraph = {
    name: 'one',
    inputs: [{ name: 'x', dims }],
    outputs: [{ name: 'y', dims }],
    constants,
    nodes: [{ op: 'Relu', name: 'node', inputs: ['x'], output: 'y', ...node }],
  }
  return writeOnnx(graph)
}

describe('what combines axes', () => {
  const x = draw([1, 3, 4, 2, 5])
  const combine: Record<string, (numbers: readonly number[]) => number> = {
    ReduceMax: (numbers) => Math.max(...numbers),
    ReduceMin: (numbers) => Math.min(...numbers),
    ReduceSum: (numbers) => numbers.reduce((sum, n) => sum + n, 0),
    ReduceMean: (numbers) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length,
    GlobalMaxPool: (numbers) => Math.max(...numbers),
    GlobalAveragePool: (numbers) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length,
  }

  it.each(Object.keys(combine))('%s', async (op) => {
    const attributes = op.startsWith('Reduce') ? { attributes: { axes: [2, 3, -1] } } : {}
    const y = await outputOf(fileWith({ op, ...attributes }, [], [...x.shape]), x)
    expect(y.shape).toEqual([1, 3, 1, 1, 1])
    const expected = [0, 1, 2].map((c) => combine[op]!([...x.data.slice(40 * c, 40 * (c + 1))]))
    expect(relativeError(y, fromArray(y.shape, expected))).toBeLessThan(2e-6)
  })
})

describe('Resize', () => {
  const resize = (attributes: OnnxNode['attributes'], scales: number[]) =>
    fileWith({ op: 'Resize', inputs: ['x', '', 's'], ...(attributes ? { attributes } : {}) }, [
      { name: 's', dims: [5], data: Float32Array.of(1, 1, ...scales) },
    ])
  /** Along one axis after the other, by the equations of onnx/docs/Operators.md, clamped at the ends. */
  const linear = (
    x: NdArray,
    position: (i: number, from: number, to: number) => number,
    scales: number[],
  ): NdArray =>
    scales.reduce((input, scale, at) => {
      const axis = at + 2
      const [from, to] = [input.shape[axis]!, Math.floor(input.shape[axis]! * scale)]
      const inner = input.shape.slice(axis + 1).reduce((product, n) => product * n, 1)
      const outer = input.data.length / (inner * from)
      const result = fromArray(
        input.shape.map((n, i) => (i === axis ? to : n)),
        new Float64Array(outer * to * inner),
      )
      for (let o = 0; o < outer; o++)
        for (let i = 0; i < to; i++) {
          const place = Math.min(Math.max(position(i, from, to), 0), from - 1)
          const [low, high] = [Math.floor(place), Math.min(Math.floor(place) + 1, from - 1)]
          for (let k = 0; k < inner; k++) {
            const value = (row: number) => input.data[(o * from + row) * inner + k]!
            result.data[(o * to + i) * inner + k] = value(low) + (place - low) * (value(high) - value(low))
          }
        }
      return result
    }, x)
  const x = draw([1, 2, 3, 4, 5])

  it.each([
    ['half_pixel', [2, 2, 2], (i: number) => (i + 0.5) / 2 - 0.5],
    ['half_pixel', [2, 1, 1.5], (i: number, from: number, to: number) => ((i + 0.5) * from) / to - 0.5],
    ['align_corners', [2, 3, 1.4], (i: number, from: number, to: number) => (i * (from - 1)) / (to - 1)],
  ])('linear, %s, by %j', async (how, scales, position) => {
    const bytes = resize({ mode: 'linear', coordinate_transformation_mode: how }, scales)
    // 5 by 1.5 is 7: the scale that counts is the one given.
    const at =
      how === 'half_pixel'
        ? (i: number, from: number, to: number) =>
            (i + 0.5) / scales.find((scale) => Math.floor(from * scale) === to)! - 0.5
        : position
    expect(relativeError(await outputOf(bytes, x), linear(x, at, scales))).toBeLessThan(2e-6)
  })

  it.each([
    [{ mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }, [3, 2, 1]],
    [{ mode: 'nearest' }, [2, 4, 3]],
  ])('%j by %j repeats voxels', async (attributes, scales) => {
    const y = await outputOf(resize(attributes, scales), x)
    const { shape } = y
    expect(shape).toEqual([1, 2, 3 * scales[0]!, 4 * scales[1]!, 5 * scales[2]!])
    y.data.forEach((value, i) => {
      const [w, h, d, c] = [5, 4, 3, 2].reduce<[number[], number]>(
        ([places, rest], _, k) => [[...places, rest % shape[4 - k]!], Math.floor(rest / shape[4 - k]!)],
        [[], i],
      )[0] as [number, number, number, number]
      const [dd, hh, ww] = [d, h, w].map((place, axis) => Math.floor(place / scales[axis]!))
      expect(value).toBe(x.data[((c * 3 + dd!) * 4 + hh!) * 5 + ww!])
    })
  })

  it('refuses what would be another result', () => {
    const build = (attributes: OnnxNode['attributes'], scales: number[]) => () =>
      onnxNetwork(resize(attributes, scales))(input('x', [1, 2, 3, 4, 5]))
    expect(build({ mode: 'nearest', nearest_mode: 'floor' }, [2, 2, 2])).toThrow(
      'node: Resize: nearest neighbours',
    )
    expect(build({ mode: 'cubic' }, [2, 2, 2])).toThrow(
      'node: Resize: attribute mode = cubic is not supported',
    )
    expect(build({ mode: 'linear', antialias: 1 }, [2, 2, 2])).toThrow(
      'attribute antialias = 1 is not supported',
    )
  })
})

describe('what cannot be read is said in one line', () => {
  const scan = () => input('scan', [1, 2, 3, 4, 5])

  it.each([
    [{ op: 'LSTM' }, 'm.onnx: the operation "LSTM" (first: node) cannot be read'],
    [
      { op: 'LeakyRelu', attributes: { beta: 2 } },
      'm.onnx: node: LeakyRelu: attribute beta = 2 is not supported',
    ],
    [
      { op: 'MaxPool', attributes: { kernel_shape: [2, 2, 2], strides: [2, 2, 2], ceil_mode: 1 } },
      'node: MaxPool: ceil_mode = 1 is only supported if windows end with the volume',
    ],
    [
      { op: 'AveragePool', attributes: { kernel_shape: [3, 3, 3], pads: [1, 1, 1, 1, 1, 1] } },
      'node: AveragePool: padding that does not count (count_include_pad = 0) is not supported',
    ],
    [{ op: 'Softmax', attributes: { axis: 7 } }, 'node: Softmax: there is no axis 7 of 5'],
    [{ op: 'Add', inputs: ['x', 'z'] }, 'm.onnx: node reads "z", which nothing computes'],
    [{ op: 'Reshape', inputs: ['x', 'x'] }, 'node: Reshape: the shape must be known before the graph runs'],
    [{ output: 'z' }, 'm.onnx: nothing computes the output "y"'],
  ])('%j', (node, message) => {
    const build = () => onnxNetwork(fileWith(node), 'm.onnx')(scan())
    expect(build).toThrow(message)
    expect(build).toThrow(expect.objectContaining({ name: 'UserError' }) as Error)
  })

  it('numbers in a shape that they do not fill', () => {
    const list = (name: string, numbers: readonly bigint[]) => ({
      name,
      dims: [numbers.length],
      data: BigInt64Array.from(numbers),
    })
    const reshape = (shape: readonly bigint[]) => {
      const constants = [list('numbers', [1n, 2n, 3n]), list('shape', shape)]
      const file = fileWith({ op: 'Reshape', inputs: ['numbers', 'shape'] }, constants)
      return () => onnxNetwork(file)(input('x', [1, 2, 3, 4, 5]))
    }
    expect(reshape([65535n, 16368n])).toThrow('model.onnx: node: 3 numbers do not fill [65535, 16368]')
    expect(reshape([-1n, 8n])).toThrow('model.onnx: node: 3 numbers do not fill [0.375, 8]')
    expect(reshape([-3n, -1n])).toThrow('model.onnx: node: 3 numbers do not fill [-3, -1]')
  })

  it('slices of nothing, whose other axis is endless', () => {
    const list = (name: string, dims: readonly number[], numbers: readonly bigint[]) => ({
      name,
      dims,
      data: BigInt64Array.from(numbers),
    })
    const constants = [
      list('shape', [2 ** 40, 0], []),
      list('starts', [1], [0n]),
      list('ends', [1], [2n ** 40n]),
      list('axes', [1], [0n]),
    ]
    const inputs = ['shape', 'starts', 'ends', 'axes']
    const build = () => onnxNetwork(fileWith({ op: 'Slice', inputs }, constants))(input('x', [1, 2, 3, 4, 5]))
    expect(build).toThrow(UserError)
  })

  it('slices without a step, or with too few', () => {
    const slice = (steps: readonly number[]) => {
      const list = (name: string, numbers: readonly number[]) => ({
        name,
        dims: [numbers.length],
        data: BigInt64Array.from(numbers.map(BigInt)),
      })
      const constants = [
        list('shape', [3, 4]),
        list('starts', [0]),
        list('ends', [2]),
        list('axes', [0]),
        list('steps', steps),
      ]
      const inputs = ['shape', 'starts', 'ends', 'axes', 'steps']
      return () => onnxNetwork(fileWith({ op: 'Slice', inputs }, constants))(input('x', [1, 2, 3, 4, 5]))
    }
    expect(slice([0])).toThrow('node: Slice: it has steps [0], but they must be whole numbers other than 0')
    expect(slice([1, 1])).toThrow('not one for each of 1 axes')
  })

  it('inputs of another kind', () => {
    const network = onnxNetwork(fileWith({}), 'm.onnx')
    expect(() => network(input('scan', [1, 3, 3, 4, 5]))).toThrow(
      'm.onnx: the input "x" [1, 2, 3, 4, 5] cannot be scan [1, 3, 3, 4, 5]: 2 channels are needed',
    )
    expect(() => network(input('scan', [1, 2, 5]))).toThrow('it has 5 axes')
    expect(() => network.outputsOf({ scan: scan() })).toThrow('m.onnx: the input "x" is missing; given: scan')
  })
})
