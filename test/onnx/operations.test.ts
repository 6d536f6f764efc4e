/** Operations of ONNX one by one, against their equations in float64 and, where it is installed, onnxruntime. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { writeOnnx } from '../../src/io/onnx.js'
import { onnxNetwork } from '../../src/onnx/index.js'
import { evaluate, useGpu } from '../gpu.js'
import { fromArray, relativeError } from '../reference/nd-array.js'
import { draw, floats, image, integers, type Case } from './cases/case.js'
import { elementwise, masks } from './cases/elementwise.js'
import { moves } from './cases/moves.js'
import { samples } from './cases/samples.js'
import { einsums, sums } from './cases/sums.js'

const device = useGpu()

/** The file of a case, of its opset. */
function fileOf({
  op,
  attributes,
  constants = [],
  inputs,
  before = [],
  opset = 17,
  x,
  expected,
  after,
}: Case): Uint8Array {
  const named = inputs ?? ['x', ...constants.map(({ name }) => name)]
  const output = after?.output ?? 'y'
  const bytes = writeOnnx({
    name: 'one',
    inputs: [{ name: 'x', dims: x.shape }],
    outputs: [{ name: output, dims: expected(x).shape }],
    constants,
    nodes: [
      ...before,
      { op, name: 'node', inputs: named, output: 'y', ...(attributes ? { attributes } : {}) },
      ...(after ? [after] : []),
    ],
  })
  // The writer ends with the set of operations: domain "", version 17.
  expect([...bytes.slice(-2)]).toEqual([0x10, 17])
  bytes[bytes.length - 1] = opset
  return bytes
}

const peers = new URL('../../bench/peers/', import.meta.url)
const missing = !existsSync(new URL('node_modules/onnxruntime-node', peers))
if (missing) console.warn('SKIPPED: onnxruntime-node is not in bench/peers (npm run bench:peers installs it)')

const groups = { elementwise, masks, moves, samples, sums, einsums }
describe.each(Object.entries(groups))('%s', (_, cases: readonly Case[]) => {
  const named = cases.map(
    (one) => [`${one.op} ${one.opset ?? 17} ${JSON.stringify(one.attributes ?? {})}`, one] as const,
  )

  it.each(named)('%s', async (_, one) => {
    const expected = one.expected(one.x)
    const network = onnxNetwork(fileOf(one))
    const { y } = await evaluate(device.gpu, { x: one.x }, ({ x }) => ({ y: network(x!) }))
    expect([...y.shape].filter((n) => n !== 1)).toEqual(expected.shape.filter((n) => n !== 1))
    expect(relativeError(fromArray(expected.shape, y.data), expected)).toBeLessThan(2e-6)
  })

  it.skipIf(missing).each(named)('%s in onnxruntime', async (_, one) => {
    const ort = createRequire(peers)('onnxruntime-node') as Ort
    const session = await ort.InferenceSession.create(fileOf(one), { executionProviders: ['cpu'] })
    const feed = new ort.Tensor('float32', Float32Array.from(one.x.data), one.x.shape)
    const [y] = Object.values(await session.run({ x: feed }))
    const expected = one.expected(one.x)
    expect([...y!.dims]).toEqual([...expected.shape])
    expect(relativeError(fromArray(expected.shape, y!.data), expected)).toBeLessThan(2e-6)
  })
})

describe('ArgMax', () => {
  const classes = image.shape.reduce((a, b) => a * b) / 4
  const largest = Array.from({ length: classes }, (_, i) => {
    const [n, place] = [Math.floor(i / 24), i % 24]
    const numbers = [0, 1, 2, 3].map((c) => image.data[(4 * n + c) * 24 + place]!)
    return numbers.indexOf(Math.max(...numbers))
  })

  it.each([
    [1, [2, 1, 1, 4, 6]],
    [0, [2, 4, 6]],
  ])('over channels, keepdims %d, is the class', async (keepdims, shape) => {
    const one = { op: 'ArgMax', attributes: { axis: 1, keepdims }, x: image, expected: () => image }
    const network = onnxNetwork(fileOf(one))
    const { y } = await evaluate(device.gpu, { x: image }, ({ x }) => ({ y: network(x!) }))
    expect(y.shape).toEqual(shape)
    expect([...y.data]).toEqual(largest)
  })
})

describe('refuses in one line', () => {
  const x = draw([2, 3, 4])
  const build = (one: Partial<Case>) => () =>
    onnxNetwork(fileOf({ op: 'Relu', x, expected: () => x, ...one }))(input('x', (one.x ?? x).shape))

  it.each<[Partial<Case>, string]>([
    [{ op: 'ArgMax', attributes: { axis: 2 } }, 'node: ArgMax: attribute axis = 2 is not supported'],
    [
      { op: 'Einsum', attributes: { equation: 'bii->bi' } },
      'node: Einsum: attribute equation = bii->bi is not supported',
    ],
    [
      {
        op: 'Einsum',
        attributes: { equation: 'abc,cd->abd' },
        constants: [integers('w', [3, 2], [1, 2, 3, 4, 5, 6])],
      },
      'node: Einsum: axis c has 4 and 3 elements',
    ],
    [
      { op: 'Expand', constants: [integers('shape', [3], [2, 3, 5])] },
      'node: Expand: [2, 3, 4] and [2, 3, 5] cannot be broadcast to one shape',
    ],
    [
      { op: 'Tile', constants: [integers('repeats', [2], [1, 2])] },
      'repeats [1, 2] are not a number from 1 to 256 for each axis',
    ],
    [
      { op: 'DepthToSpace', attributes: { blocksize: 2 } },
      'its input is [2, 3, 4], but [N, C, H, W] is needed',
    ],
    [
      { op: 'Tile', constants: [integers('repeats', [3], [1, 1, 2e9])] },
      'repeats [1, 1, 2000000000] are not',
    ],
    [{ op: 'Expand', constants: [integers('shape', [1], [-1])] }, '[-1] is not a shape to expand to'],
    [{ op: 'ReduceProd' }, 'node: ReduceProd: it is only supported for sizes'],
    [
      { op: 'Gather', constants: [integers('at', [2], [0, 7])] },
      'node: gather: positions holds 7, but axis 0 of x [2, 3, 4] ends at 1',
    ],
    [
      {
        op: 'GridSample',
        attributes: { padding_mode: 'reflection' },
        constants: [floats('grid', image.shape.with(1, 4).with(-1, 2), new Float32Array(2 * 4 * 4 * 2))],
        x: image,
      },
      'attribute padding_mode = reflection is not supported',
    ],
    [{ op: 'Gelu', attributes: { approximate: 'fast' } }, 'attribute approximate = fast is not supported'],
  ])('%#: $1', (one, message) => {
    expect(build(one)).toThrow(message)
    expect(build(one)).toThrow(expect.objectContaining({ name: 'UserError' }) as Error)
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
      run(
        feeds: Record<string, object>,
      ): Promise<Record<string, { readonly data: Float32Array; readonly dims: readonly number[] }>>
    }>
  }
}
