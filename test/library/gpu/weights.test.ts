import { describe, expect, it } from 'vitest'
import {
  Adam,
  loadMatching,
  loadWeights,
  parameter,
  readSafetensors,
  saveWeights,
  unet,
  UserError,
  Variables,
  writeSafetensors,
  type Tensor,
} from '../../../src/index.js'
import { useGpu } from '../../gpu.js'

const device = useGpu()
const f32 = (shape: number[], data: number[]): Tensor => ({
  dtype: 'F32',
  shape,
  data: Float32Array.from(data),
})

describe('weights', () => {
  it('of a network and its optimiser go to a file and back, bit by bit', async () => {
    const network = unet({ classes: 3, widths: [2, 3], seed: 4 })
    const { state } = new Adam(network.parameters, { amsgrad: true })
    const wanted = [...network.parameters, ...state]
    const variables = new Variables(device.gpu)
    variables.write(state[0]!, new Float32Array(state[0]!.size).fill(0.25))
    const bytes = await saveWeights(variables, wanted, { epoch: '7' })
    const restored = new Variables(device.gpu)
    expect(loadWeights(restored, wanted, bytes)).toEqual({ epoch: '7' })
    for (const value of wanted) expect(await restored.read(value)).toEqual(await variables.read(value))
    expect(await saveWeights(restored, wanted, { epoch: '7' })).toEqual(bytes)
    expect([...readSafetensors(bytes).tensors.keys()].sort()).toEqual(wanted.map(({ name }) => name).sort())
    variables.dispose()
    restored.dispose()
  })

  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => parameter(name, [2], Float32Array.of(1, 2)))

  it('that do not fit are named all at once, and nothing is written', async () => {
    const file = writeSafetensors(
      new Map<string, Tensor>([
        ['a', f32([2], [5, 6])],
        ['b', f32([1, 2], [5, 6])],
        ['c', { dtype: 'I32', shape: [2], data: Int32Array.of(1, 2) }],
        ['e', f32([1], [0])],
      ]),
    )
    const variables = new Variables(device.gpu)
    const load = () => loadWeights(variables, [a!, b!, c!, d!], file, { source: 'run.safetensors' })
    expect(load).toThrow(UserError)
    expect(load).toThrow(
      'run.safetensors: b is [1, 2], not [2]; c is of type I32; d is missing; e is unknown',
    )
    expect(await variables.read(a!)).toEqual(Float32Array.of(1, 2))
    variables.dispose()
  })

  it('are refused unless variables and bytes are given', async () => {
    const variables = new Variables(device.gpu)
    const bytes = await saveWeights(variables, [a!])
    const load = (wanted: unknown, file: unknown) => () =>
      loadWeights(variables, wanted as never, file as never)
    expect(load([a], bytes.slice().buffer)).toThrow(
      'weights: the bytes of a file are needed, a Uint8Array, not an ArrayBuffer',
    )
    expect(load([a], undefined)).toThrow('a Uint8Array, not undefined')
    expect(load(unet({ classes: 3 }), bytes)).toThrow('weights: a list of values is needed, not a function')
    expect(load([a, undefined], bytes)).toThrow('weights[1]: a Value is needed, not undefined')
    await expect(saveWeights(variables, undefined as never)).rejects.toThrow('weights: a list of values')
    variables.dispose()
  })

  it('may be more than needed if that is allowed, and of double precision', async () => {
    const file = writeSafetensors(
      new Map<string, Tensor>([
        ['a', { dtype: 'F64', shape: [2], data: Float64Array.of(0.1, -3) }],
        ['e', f32([1], [0])],
      ]),
    )
    const variables = new Variables(device.gpu)
    expect(() => loadWeights(variables, [a!], file)).toThrow('weights: e is unknown')
    loadWeights(variables, [a!], readSafetensors(file), { allowUnknown: true })
    expect(await variables.read(a!)).toEqual(Float32Array.of(0.1, -3))
    variables.dispose()
  })

  it('that fit may be loaded from a file in which others do not', async () => {
    const file = writeSafetensors(
      new Map<string, Tensor>([
        ['a', f32([2], [5, 6])],
        ['b', f32([1, 2], [5, 6])],
        ['c', f32([2], [5, Infinity])],
        ['e', f32([1], [0])],
      ]),
      { epoch: '3' },
    )
    const variables = new Variables(device.gpu)
    expect(loadMatching(variables, [a!, b!, c!, d!], file)).toEqual({
      loaded: ['a'],
      skipped: [
        { name: 'b', reason: 'is [1, 2], not [2]' },
        { name: 'c', reason: 'holds numbers that are not finite' },
        { name: 'e', reason: 'is unknown' },
      ],
      missing: ['d'],
      metadata: { epoch: '3' },
    })
    expect(await variables.read(a!)).toEqual(Float32Array.of(5, 6))
    for (const kept of [b!, c!, d!]) expect(await variables.read(kept)).toEqual(Float32Array.of(1, 2))
    const nothing = () => loadMatching(variables, [b!, d!], file, { source: 'run.safetensors' })
    expect(nothing).toThrow(UserError)
    expect(nothing).toThrow('run.safetensors: no tensor fits. It holds a, c, e, ..; the variables are b, d')
    variables.dispose()
  })

  it('of a network begin another with another last layer', async () => {
    const [first, second] = [3, 5].map((classes) => unet({ classes, widths: [2, 3], seed: classes }))
    const variables = new Variables(device.gpu)
    const bytes = await saveWeights(variables, first!.parameters)
    variables.dispose()
    const others = new Variables(device.gpu)
    const { loaded, skipped, missing } = loadMatching(others, second!.parameters, bytes)
    expect(loaded).toEqual([
      'encoder.block0.weight',
      'encoder.block0.bias',
      'encoder.block1.weight',
      'encoder.block1.bias',
    ])
    expect(skipped.map(({ name }) => name)).toEqual([
      'encoder.block2.weight',
      'encoder.block2.bias',
      'encoder.conv.weight',
      'encoder.conv.bias',
    ])
    expect(missing).toEqual([])
    expect(await others.read(second!.parameters[0]!)).toEqual(first!.parameters[0]!.initial)
    others.dispose()
  })

  it('that are not finite, or belong to two variables of one name, are refused', async () => {
    const variables = new Variables(device.gpu)
    const broken = writeSafetensors(new Map([['a', f32([2], [1, NaN])]]))
    expect(() => loadWeights(variables, [a!], broken)).toThrow('a holds numbers that are not finite')
    const twin = parameter('a', [1], Float32Array.of(1))
    await expect(saveWeights(variables, [a!, twin])).rejects.toThrow('two variables are called a')
    variables.dispose()
  })
})
