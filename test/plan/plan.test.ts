import { describe, expect, it } from 'vitest'
import * as shaders from '../../src/generated/shaders.js'
import { accumulate } from '../../src/graph/accumulate.js'
import { gradients } from '../../src/graph/gradients.js'
import { op } from '../../src/graph/op.js'
import { compile } from '../../src/plan/compile.js'
import { constant, input, parameter } from '../../src/graph/value.js'
import { Variables } from '../../src/plan/variables.js'
import { argmax, conv3d, dot, maxPool3d, softmax, sum } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import { drawFrom } from '../ops/check.js'
import * as maxPool from '../reference/max-pool3d.js'
import { map, relativeError, type NdArray } from '../reference/nd-array.js'

const device = useGpu()
const draw = drawFrom(22)
const shape = [2, 3, 4, 5, 7]
const f32 = ({ data }: NdArray): Float32Array => Float32Array.from(data)

describe('a plan', () => {
  it('gives the same bits every time, in the plan and from plan to plan', async () => {
    const x = input('x', shape)
    const w = parameter('w', [5, 3, 3, 3, 3], f32(draw([5, 3, 3, 3, 3])))
    const loss = dot(
      softmax(conv3d(x, w, undefined, { padding: 'same' })),
      conv3d(x, w, undefined, { padding: 'same' }),
    )
    const outputs = [loss, ...gradients(loss, [x, w])]
    const data = f32(draw(shape))
    const runs: Float32Array[][] = []
    for (let i = 0; i < 2; i++) {
      const plan = await compile(device.gpu, { outputs })
      plan.write(x, data)
      for (let j = 0; j < 2; j++) {
        await plan.run()
        runs.push(await Promise.all(outputs.map((value) => plan.read(value))))
      }
      plan.dispose()
    }
    expect(runs[0]!.every((values) => values.every(Number.isFinite))).toBe(true)
    for (const run of runs.slice(1)) expect(run).toEqual(runs[0])
  })

  it('keeps inputs until they are written again', async () => {
    const [a, b] = [input('a', [3]), input('b', [3])]
    const total = accumulate(a, b)
    const plan = await compile(device.gpu, { outputs: [total] })
    plan.write(a, Float32Array.of(1, 2, 3))
    plan.write(b, Float32Array.of(10, 20, 30))
    await plan.run()
    expect([...(await plan.read(total))]).toEqual([11, 22, 33])
    plan.write(b, Float32Array.of(0, 0, 1))
    await plan.run()
    expect([...(await plan.read(total))]).toEqual([1, 2, 4])
    expect([...(await plan.read(a))]).toEqual([1, 2, 3])
    plan.dispose()
  })

  it('reports in the order asked for and in the order of the caller', async () => {
    const x = input('x', shape)
    const total = sum(x)
    const pooled = maxPool3d(x)
    const plan = await compile(device.gpu, { outputs: [], report: [pooled, total] })
    const data = draw(shape)
    plan.write(x, f32(data))
    const [first, second] = await plan.run()
    expect(relativeError(first!, maxPool.forward(data).data)).toBe(0)
    expect(relativeError(second!, [data.data.reduce((sum, x) => sum + x, 0)])).toBeLessThan(1e-5)
    // The next run must not change what was handed out.
    const before = first!.slice()
    plan.write(x, f32(map(data, (value) => value + 1)))
    await plan.run()
    expect(first).toEqual(before)
    plan.dispose()
  })

  it('reads u32 values as such', async () => {
    const x = input('x', [1, 3, 1, 1, 2])
    const classes = argmax(x)
    const plan = await compile(device.gpu, { outputs: [classes] })
    plan.write(x, Float32Array.of(0, 5, 1, 0, 0, 9))
    await plan.run()
    expect(await plan.readUint(classes)).toEqual(Uint32Array.of(1, 2))
    await expect(plan.read(classes)).rejects.toThrow('argmax holds u32, not f32')
    await expect(plan.readUint(x)).rejects.toThrow('x holds f32, not u32')
    plan.dispose()
    await expect(compile(device.gpu, { outputs: [], report: [classes] })).rejects.toThrow('argmax holds u32')
  })

  it('reads values that are constants, parameters and inputs', async () => {
    const x = input('x', [2])
    const c = constant('c', [2], Float32Array.of(3, 4))
    const p = parameter('p', [2], Float32Array.of(5, 6))
    const plan = await compile(device.gpu, { outputs: [x, c, p, accumulate(c, p)] })
    plan.write(x, Float32Array.of(1, 2))
    await plan.run()
    expect([...(await plan.read(x)), ...(await plan.read(c)), ...(await plan.read(p))]).toEqual([
      1, 2, 3, 4, 5, 6,
    ])
    plan.dispose()
  })

  it('refuses numbers of another count or kind, and values that are not its inputs', async () => {
    const x = input('x', [2, 3])
    const counter = input('counter', [2], { dtype: 'u32' })
    const stranger = input('stranger', [1])
    const y = accumulate(x, x)
    const plan = await compile(device.gpu, { outputs: [y, counter] })
    expect(() => { plan.write(x, new Float32Array(5)) }).toThrow('x: 5 numbers given for shape [2, 3]') // prettier-ignore
    expect(() => { plan.write(x, new Uint32Array(6)) }).toThrow('x holds f32, not u32') // prettier-ignore
    expect(() => { plan.write(counter, new Float32Array(2)) }).toThrow('counter holds u32, not f32') // prettier-ignore
    expect(() => { plan.write(stranger, new Float32Array(1)) }).toThrow('stranger is not an input of this plan') // prettier-ignore
    expect(() => { plan.write(y, new Float32Array(6)) }).toThrow('add is not an input of this plan') // prettier-ignore
    await expect(plan.read(stranger)).rejects.toThrow('stranger is not part of this plan')
    expect([plan.reads(x), plan.reads(stranger), plan.reads(y)]).toEqual([true, false, false])
    plan.dispose()
  })

  it('refuses kernels whose call and text disagree', async () => {
    const x = input('x', [64])
    const call = (change: object) =>
      compile(device.gpu, {
        outputs: [
          op({
            name: 'wrong',
            inputs: { x },
            output: { shape: [64] },
            emit: (output) => {
              const window = { value: x, start: 0, end: 64 }
              const bindings = { input: window, output: { value: output, start: 0, end: 64 } }
              return [
                {
                  shader: shaders.reluForward,
                  flags: { VECTOR: true },
                  params: { first: 0, count: 16 },
                  bindings,
                  workgroups: [1, 1, 1],
                  ...change,
                },
              ]
            },
          }),
        ],
      })
    const window = { value: x, start: 0, end: 64 }
    await expect(call({ params: { count: 16 } })).rejects.toThrow(
      'relu/forward: parameter first is not given',
    )
    await expect(call({ params: { first: 0, count: 16, size: 1 } })).rejects.toThrow(
      'relu/forward has no parameter size',
    )
    await expect(call({ bindings: { input: window } })).rejects.toThrow(
      'relu/forward: nothing is bound to output',
    )
    await expect(call({ bindings: { input: window, output: window, other: window } })).rejects.toThrow(
      'relu/forward has no binding other',
    )
    await expect(
      call({
        shader: shaders.reduceRows,
        flags: {},
        params: { count: 61, scale: 1 },
        bindings: { partials: { value: x, start: 3, end: 64 }, output: window },
      }),
    ).rejects.toThrow('reduce/rows: the window of partials is not aligned')
  })
})

describe('runs in flight', () => {
  it('are two at most, and keep their order', async () => {
    const [a, b] = [input('a', [3]), input('b', [3])]
    const total = accumulate(a, b)
    const plan = await compile(device.gpu, { outputs: [], report: [total] })
    plan.write(b, Float32Array.of(10, 20, 30))
    const submit = (value: number) => {
      plan.write(a, new Float32Array(3).fill(value))
      return plan.run()
    }
    const order: number[] = []
    const noted = (value: number) =>
      submit(value).then(([numbers]) => {
        order.push(value)
        return [...numbers!]
      })
    const first = noted(1)
    const second = noted(2)
    await expect(plan.run()).rejects.toThrow('2 runs of the plan are in flight')
    expect(await Promise.all([first, second])).toEqual([
      [11, 21, 31],
      [12, 22, 32],
    ])
    expect(order).toEqual([1, 2])
    expect(await noted(3)).toEqual([13, 23, 33])
    plan.dispose()
  })

  it('may have an output read before the next one overwrites it', async () => {
    const x = input('x', [4])
    const y = accumulate(x, x)
    const plan = await compile(device.gpu, { outputs: [y] })
    const run = (value: number): Promise<unknown> => {
      plan.write(x, new Float32Array(4).fill(value))
      return plan.run()
    }
    const [, first, , second] = await Promise.all([run(1), plan.read(y), run(2), plan.read(y)])
    expect([first[0], second[0]]).toEqual([2, 4])
    plan.dispose()
  })
})

describe('buffers', () => {
  it('of a plan are all destroyed with it, and counted meanwhile', async () => {
    const before = { count: device.gpu.buffers.count, bytes: device.gpu.buffers.bytes }
    const x = input('x', shape)
    const p = parameter('p', [3, 3, 1, 1, 1], new Float32Array(9))
    const loss = sum(softmax(conv3d(x, p, undefined, { padding: 'same' })))
    const plan = await compile(device.gpu, { outputs: gradients(loss, [p]), report: [loss] })
    expect(device.gpu.buffers.bytes - before.bytes).toBe(plan.bytes + Math.ceil(p.bytes / 16) * 16)
    plan.write(x, new Float32Array(x.size))
    await plan.run()
    plan.dispose()
    plan.dispose()
    expect(device.gpu.buffers).toMatchObject(before)
  })

  it('of variables are shared by plans of different shapes, and outlive them', async () => {
    const variables = new Variables(device.gpu)
    const p = parameter('p', [1, 1, 1, 1, 1], Float32Array.of(2))
    const plans = await Promise.all(
      [[1, 1, 2, 3, 5], [2, 1, 1, 1, 7]].map(async (shape) => {
        const x = input('x', shape)
        const y = conv3d(x, p, undefined, { padding: 'same' })
        return { x, y, plan: await compile(device.gpu, { outputs: [y], variables }) }
      }),
    ) // prettier-ignore
    const run = async () => {
      const results: number[] = []
      for (const { x, y, plan } of plans) {
        plan.write(x, new Float32Array(x.size).fill(3))
        await plan.run()
        results.push((await plan.read(y)).at(-1)!)
      }
      return results
    }
    expect(await run()).toEqual([6, 6])
    variables.write(p, Float32Array.of(-1))
    expect(await run()).toEqual([-3, -3])
    for (const { plan } of plans) plan.dispose()
    expect([...(await variables.read(p))]).toEqual([-1])
    expect(() => { variables.write(p, new Float32Array(2)) }).toThrow('p: 2 numbers given for shape [1, 1, 1, 1, 1]') // prettier-ignore
    variables.dispose()
  })

  it('of variables of its own start from the first contents in each plan', async () => {
    const p = parameter('p', [2], Float32Array.of(7, 8))
    for (let i = 0; i < 2; i++) {
      const plan = await compile(device.gpu, { outputs: [accumulate(p, p)] })
      await plan.run()
      expect([...(await plan.read(p))]).toEqual([7, 8])
      plan.dispose()
    }
  })
})
