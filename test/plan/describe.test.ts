/** What can be seen of a plan: its dispatches, its kept values, its kernels. */
import { describe, expect, it } from 'vitest'
import { Gpu } from '../../src/gpu/gpu.js'
import { gradients } from '../../src/graph/gradients.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import {
  conv3d,
  convTranspose3d,
  dot,
  exp,
  labelConv3d,
  linear,
  relu,
  softmax,
  sum,
} from '../../src/ops/index.js'
import { Adam } from '../../src/optim/index.js'
import { compile } from '../../src/plan/compile.js'
import { describe as rowsOf, formatPlan, mergeSlabs } from '../../src/plan/describe.js'
import { Variables } from '../../src/plan/variables.js'
import { useGpu } from '../gpu.js'
import { drawFrom } from '../ops/check.js'

const device = useGpu()
const draw = drawFrom(44)
const shape = [1, 3, 12, 5, 8]
const f32 = (wanted: readonly number[]) => Float32Array.from(draw(wanted).data)

/** A layer with its loss. */
function layer() {
  const x = input('x', shape)
  const weight = parameter('net.block0.weight', [3, 3, 3, 3, 3], f32([3, 3, 3, 3, 3]))
  const hidden = relu(conv3d(x, weight, undefined, { padding: 'same' }))
  const result = softmax(hidden)
  return { x, weight, hidden, result, loss: dot(result, hidden) }
}

describe('String(value)', () => {
  it('is name, id, type and shape', () => {
    const x = input('x', [1, 2, 3])
    expect(String(x)).toBe(`x#${x.id} f32[1,2,3]`)
    expect(String(input('count', [2], { dtype: 'u32' }))).toMatch(/^count#\d+ u32\[2\]$/)
  })
})

describe('describe', () => {
  it('has a row per dispatch, in order, with what each reads and writes', async () => {
    const { x, weight, hidden, result, loss } = layer()
    const plan = await compile(device.gpu, { outputs: [result, ...gradients(loss, [weight])] })
    const rows = rowsOf(plan)
    expect(rows).toHaveLength(plan.length)
    const made = (value: Value) => rows.find(({ outputs }) => outputs.includes(value))!
    expect(made(result)).toMatchObject({
      op: 'softmax',
      kernel: 'softmax/forward',
      layer: undefined,
      inputs: [hidden],
      outputs: [result],
      bytes: result.bytes,
      slab: undefined,
      dispatches: 1,
      milliseconds: undefined,
    })
    const convolution = rows.find(({ kernel }) => kernel === 'conv3d/forward')!
    expect(convolution.inputs).toContain(x)
    expect(convolution.layer).toBe('net.block0')
    for (const { outputs } of rows) expect(outputs).not.toEqual([])
    // No two values that one dispatch touches lie in the same slot.
    const slots = rows.map(({ slot }) => slot)
    expect(slots.every((slot) => slot !== undefined && slot >= 0)).toBe(true)
    expect(made(result).slot).not.toBe(made(hidden).slot)
    plan.dispose()
  })

  const volume = () => input('x', shape)
  const labels = () => input('labels', [1, 1, ...shape.slice(2)], { dtype: 'u32' })
  it.each<[what: string, weights: readonly number[], bias: number, build: (w: Value, b: Value) => Value]>([
    ['conv3d', [3, 3, 3, 3, 3], 3, (w, b) => conv3d(volume(), w, b, { padding: 'same' })],
    ['conv3d with one output', [1, 3, 3, 3, 3], 1, (w, b) => conv3d(volume(), w, b, { padding: 'same' })],
    ['conv3d of stride 2', [3, 3, 3, 3, 3], 3, (w, b) => conv3d(volume(), w, b, { stride: 2 })],
    ['conv_transpose3d', [3, 2, 3, 3, 3], 2, (w, b) => convTranspose3d(volume(), w, b)],
    ['label_conv3d', [1, 3, 3, 3, 3], 1, (w, b) => labelConv3d(labels(), w, b)],
    ['linear', [2, 5], 2, (w, b) => linear(input('x', [3, 5], { layout: 'flat' }), w, b)],
  ])('gives the gradient of the weights of %s its layer', async (op, weights, count, build) => {
    const weight = parameter('net.block1.weight', weights, f32(weights))
    const bias = parameter('net.block1.bias', [count], f32([count]))
    const wanted = gradients(sum(build(weight, bias)), [weight, bias])
    const plan = await compile(device.gpu, { outputs: wanted })
    const rows = rowsOf(plan).filter((row) => row.op === `${op.split(' ')[0]} backward weight`)
    expect(rows).not.toEqual([])
    for (const { layer: name } of rows) expect(name).toBe('net.block1')
    plan.dispose()
  })

  it('shows the planes of each slab, and the bytes of strips', async () => {
    const x = input('x', shape)
    const hidden = exp(x)
    const result = exp(hidden)
    const plan = await compile(device.gpu, { outputs: [result], slabPlanes: 4 })
    const rows = rowsOf(plan)
    const slabsOf = (value: Value) =>
      rows.filter(({ outputs }) => outputs.includes(value)).map(({ slab }) => slab)
    const slabs = [0, 4, 8].map((first) => ({ first, end: first + 4 }))
    expect(slabsOf(hidden)).toEqual(slabs)
    expect(slabsOf(result)).toEqual(slabs)
    expect(rows.find(({ outputs }) => outputs.includes(hidden))!.bytes).toBe(hidden.bytes / 3)
    const merged = mergeSlabs(rows)
    expect(merged.map(({ outputs, dispatches }) => [outputs, dispatches])).toEqual([
      [[hidden], 3],
      [[result], 3],
    ])
    plan.dispose()
  })

  it('has the times of a profile, which leaves the variables as they were', async (context) => {
    context.skip(!device.gpu.device.features.has('timestamp-query'), 'no timestamps')
    const { x, weight, loss } = layer()
    const adam = new Adam([weight], { learningRate: 0.1 })
    const variables = new Variables(device.gpu)
    const plan = await compile(device.gpu, {
      outputs: [],
      report: [loss],
      effects: adam.minimise(loss),
      variables,
    })
    plan.write(x, f32(shape))
    plan.write(adam.schedule, adam.scheduleAt(1))
    await plan.run()
    const before = await variables.readAll([weight, ...adam.state])
    const times = await plan.profile()
    expect(await variables.readAll([weight, ...adam.state])).toEqual(before)
    const rows = rowsOf(plan, times)
    expect(rows.map(({ milliseconds }) => milliseconds)).toEqual(times.map(({ seconds }) => seconds * 1000))
    expect(rows.find(({ op }) => op.startsWith('adam'))!.layer).toBe('net.block0')
    expect(() => rowsOf(plan, times.slice(1))).toThrow(`${times.length - 1} times given for ${times.length}`)
    // It does change them in a run.
    await plan.run()
    expect(await variables.readAll([weight])).not.toEqual(new Map([[weight.name, before.get(weight.name)]]))
    plan.dispose()
    variables.dispose()
  })
})

describe('formatPlan', () => {
  const x = input('x', [1, 1, 4, 2, 2])
  const y = exp(x)
  const row = {
    op: 'exp',
    layer: undefined,
    kernel: 'arithmetic/forward',
    inputs: [x],
    outputs: [y],
    slot: 2,
    bytes: 1.5e6,
    dispatches: 1,
    workgroups: [4, 1, 1] as const,
  }

  it('prints aligned columns and the sums', () => {
    const rows = [
      { ...row, slab: { first: 0, end: 2 }, milliseconds: 1 },
      { ...row, layer: 'net.block0', slab: undefined, slot: undefined, milliseconds: 3 },
    ]
    const values = `#${x.id}[1,1,4,2,2] -> ${String(y)}`
    expect(formatPlan(rows).split('\n')).toEqual([
      `op   layer       kernel              ${'inputs -> outputs'.padEnd(values.length)}  slot     MB  slab  dispatches  groups     ms     %`,
      `exp              arithmetic/forward  ${values}     2  1.500  0..2           1   4x1x1  1.000  25.0`,
      `exp  net.block0  arithmetic/forward  ${values}        1.500                 1   4x1x1  3.000  75.0`,
      '2 dispatches, 4.000 ms',
    ])
  })

  it('has no times without a profile', () => {
    const text = formatPlan([{ ...row, slab: undefined, milliseconds: undefined }])
    expect(text).not.toContain('ms')
    expect(text).toMatch(/\n1 dispatches$/)
  })
})

describe('mergeSlabs', () => {
  it('sums dispatches and times, those of 0 too', async () => {
    const x = input('x', shape)
    const plan = await compile(device.gpu, { outputs: [exp(exp(x))], slabPlanes: 4 })
    const times = rowsOf(plan).map(({ op, kernel }, i) => ({ op, shader: kernel, seconds: i / 1000 }))
    // Slab by slab, both nodes in turn.
    const [first, second] = mergeSlabs(rowsOf(plan, times))
    expect([first!.milliseconds, second!.milliseconds]).toEqual([0 + 2 + 4, 1 + 3 + 5])
    plan.dispose()
  })
})

describe('keep', () => {
  it.each(['all', 'some'] as const)('makes values on the way readable: %s', async (which) => {
    const { x, weight, hidden, result, loss } = layer()
    const data = f32(shape)
    const wanted = await compile(device.gpu, { outputs: [hidden, result] })
    wanted.write(x, data)
    await wanted.run()
    const expected = [await wanted.read(hidden), await wanted.read(result)]
    wanted.dispose()

    const outputs = gradients(loss, [weight])
    const plan = await compile(device.gpu, { outputs, keep: which === 'all' ? 'all' : [hidden, result] })
    plan.write(x, data)
    await plan.run()
    expect(expected[0]!.some((value) => value > 0)).toBe(true)
    expect([await plan.read(hidden), await plan.read(result)]).toEqual(expected)
    plan.dispose()
  })

  it('keeps all that nodes compute, also those run for their effects', async () => {
    const { x, weight, loss } = layer()
    const adam = new Adam([weight], { learningRate: 0.1 })
    const plan = await compile(device.gpu, { outputs: [], effects: adam.minimise(loss), keep: 'all' })
    plan.write(x, f32(shape))
    plan.write(adam.schedule, adam.scheduleAt(1))
    await plan.run()
    const values = rowsOf(plan).flatMap(({ outputs }) => outputs.filter(({ node }) => node))
    expect(values.length).toBeGreaterThan(5)
    for (const value of values) {
      const numbers = value.dtype === 'u32' ? await plan.readUint(value) : await plan.read(value)
      expect(numbers.every(Number.isFinite), String(value)).toBe(true)
    }
    plan.dispose()
  })

  it('is needed: without it, reading what may be overwritten is refused', async () => {
    const { result, hidden } = layer()
    const plan = await compile(device.gpu, { outputs: [result] })
    await expect(plan.read(hidden)).rejects.toThrow(
      /^relu#.* is neither an input nor an output of this plan, and not kept: /,
    )
    plan.dispose()
  })

  it('refuses values that the plan has no need of', async () => {
    const { result } = layer()
    const stranger = sum(input('stranger', [4]))
    await expect(compile(device.gpu, { outputs: [result], keep: [stranger] })).rejects.toThrow(
      `compile: ${String(stranger)} cannot be kept, because no output or effect depends on it`,
    )
  })
})

describe('a trace', () => {
  it('gets the text of each kernel once, and each plan', async () => {
    const shaders: string[] = []
    const plans: string[] = []
    const { device: own, adapter, wait } = device.gpu
    const trace = { shader: (text: string) => shaders.push(text), plan: (text: string) => plans.push(text) }
    const gpu = new Gpu(own, adapter, { wait, trace, borrowed: true })
    const { result } = layer()
    for (let i = 0; i < 2; i++) (await compile(gpu, { outputs: [result] })).dispose()
    expect(shaders.filter((text) => text.startsWith('shader softmax/forward\n   1 | '))).toHaveLength(1)
    expect(shaders.join('\n')).not.toContain('#if')
    expect(plans).toHaveLength(2)
    expect(plans[0]).toBe(plans[1])
    expect(plans[0]).toContain(`-> ${String(result)}`)
    gpu.dispose()
  })
})
