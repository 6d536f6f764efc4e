/** What a plan refuses: every message is one line that names the value, and nothing else is the worse for it. */
import { describe, expect, it } from 'vitest'
import { accumulate } from '../../src/graph/accumulate.js'
import { constant, input, parameter, type Value } from '../../src/graph/value.js'
import { relu, sum } from '../../src/ops/index.js'
import { Adam } from '../../src/optim/index.js'
import { compile } from '../../src/plan/compile.js'
import { Variables } from '../../src/plan/variables.js'
import { openTestGpu, useGpu } from '../gpu.js'

const device = useGpu()
/** Past the types, as a program in plain JavaScript gets. */
const wrong = (thing: unknown): never => thing as never

describe('inputs that were never written', () => {
  it('are named, all of them, at every kind of run', async () => {
    const [a, b, c] = [input('a', [3]), input('b', [3]), input('c', [3])]
    const y = accumulate(accumulate(a, b), c)
    const plan = await compile(device.gpu, { outputs: [y] })
    plan.write(b, Float32Array.of(1, 2, 3))
    const message = 'run: nothing was written to the inputs a [3], c [3]; call plan.write first'
    await expect(plan.run()).rejects.toThrow(message)
    await expect(plan.run()).rejects.toThrow(message)
    if (device.gpu.device.features.has('timestamp-query')) {
      await expect(plan.profile()).rejects.toThrow(message)
      await expect(plan.timedRun()).rejects.toThrow(message)
    }
    await plan.warmUp()
    plan.write(a, Float32Array.of(1, 1, 1))
    await expect(plan.run()).rejects.toThrow('the input c [3]')
    plan.write(c, Float32Array.of(0, 0, 1))
    await plan.run()
    expect([...(await plan.read(y))]).toEqual([2, 3, 5])
    plan.dispose()
  })

  it('are not those whose buffer the program brings or has asked for', async () => {
    const [a, b] = [input('a', [4]), input('b', [4])]
    const { STORAGE, COPY_DST } = GPUBufferUsage
    const own = device.gpu.device.createBuffer({ size: 16, usage: STORAGE | COPY_DST })
    const y = accumulate(a, b)
    const plan = await compile(device.gpu, { outputs: [y], buffers: new Map([[a, own]]) })
    device.gpu.device.queue.writeBuffer(own, 0, Float32Array.of(1, 2, 3, 4))
    device.gpu.device.queue.writeBuffer(plan.buffer(b), 0, Float32Array.of(1, 1, 1, 1))
    await plan.run()
    expect([...(await plan.read(y))]).toEqual([2, 3, 4, 5])
    plan.dispose()
    own.destroy()
  })
})

describe('a value that a plan does not keep', () => {
  it('is refused by read and by buffer alike, with what to do', async () => {
    const x = input('x', [1, 1, 2, 2, 2])
    const hidden = relu(x).named('features')
    const y = sum(hidden)
    const plan = await compile(device.gpu, { outputs: [y] })
    plan.write(x, new Float32Array(8).fill(2))
    await plan.run()
    const message = /^features#\d+ f32\[1,1,2,2,2\] is neither an input nor an output .*name it in `keep`/
    await expect(plan.read(hidden)).rejects.toThrow(message)
    expect(() => plan.buffer(hidden)).toThrow(message)
    plan.dispose()
    const keeping = await compile(device.gpu, { outputs: [y], keep: [hidden] })
    keeping.write(x, new Float32Array(8).fill(2))
    await expect(keeping.read(hidden)).rejects.toThrow('features cannot be read before the plan has run')
    await keeping.run()
    expect([...(await keeping.read(hidden))]).toEqual(Array(8).fill(2))
    keeping.dispose()
  })
})

describe('what was disposed of', () => {
  const w = parameter('w', [4], Float32Array.of(1, 2, 3, 4))
  const x = input('x', [4])
  const y = accumulate(w, x)

  it('is named: a plan', async () => {
    const plan = await compile(device.gpu, { outputs: [y] })
    plan.write(x, new Float32Array(4))
    await plan.run()
    plan.dispose()
    plan.dispose()
    await expect(plan.run()).rejects.toThrow('run: the plan was disposed of')
    await expect(plan.read(y)).rejects.toThrow('read of add: the plan was disposed of')
    await expect(plan.warmUp()).rejects.toThrow('warmUp: the plan was disposed of')
    expect(() => { plan.write(x, new Float32Array(4)) }).toThrow('write of x: the plan was disposed of') // prettier-ignore
    expect(() => plan.buffer(y)).toThrow('buffer of add: the plan was disposed of')
  })

  it('is named: variables, at their own calls and in the plans that use them', async () => {
    const variables = new Variables(device.gpu)
    const plan = await compile(device.gpu, { outputs: [y], variables })
    plan.write(x, new Float32Array(4))
    await plan.run()
    variables.dispose()
    variables.dispose()
    await expect(variables.read(w)).rejects.toThrow('w: the variables were disposed of')
    await expect(variables.readAll([w])).rejects.toThrow('w: the variables were disposed of')
    expect(() => { variables.write(w, new Float32Array(4)) }).toThrow('w: the variables were disposed of') // prettier-ignore
    expect(() => variables.buffer(w)).toThrow('w: the variables were disposed of')
    await expect(plan.run()).rejects.toThrow('run: the variables were disposed of')
    await expect(compile(device.gpu, { outputs: [y], variables })).rejects.toThrow(
      'compile: the variables were',
    )
    plan.dispose()
  })

  it('is named: a plan in the middle of a run', async () => {
    for (const ends of [{ outputs: [y] }, { outputs: [], report: [y] }]) {
      const plan = await compile(device.gpu, ends)
      plan.write(x, new Float32Array(4))
      const run = plan.run()
      plan.dispose()
      await expect(run).rejects.toThrow('run: the plan was disposed of meanwhile')
    }
  })

  it("is named: a buffer of the program's, and only by the plan that uses it", async () => {
    const { STORAGE, COPY_DST } = GPUBufferUsage
    const own = device.gpu.device.createBuffer({ label: 'mine', size: 16, usage: STORAGE | COPY_DST })
    const plan = await compile(device.gpu, { outputs: [y], buffers: new Map([[x, own]]) })
    const other = await compile(device.gpu, { outputs: [], report: [y] })
    other.write(x, new Float32Array(4))
    own.destroy()
    await expect(plan.run()).rejects.toThrow(/^run: GPU error: .*mine.*/)
    if (device.gpu.device.features.has('timestamp-query')) {
      const { count } = device.gpu.buffers
      await expect(plan.timedRun()).rejects.toThrow(/^timed run: GPU error: .*mine.*/)
      await expect(plan.profile()).rejects.toThrow(/^timed run: GPU error: .*mine.*/)
      expect(device.gpu.buffers.count).toBe(count)
    }
    expect([...(await other.run())[0]!]).toEqual([1, 2, 3, 4])
    plan.dispose()
    other.dispose()
  })
})

describe('an argument of a wrong type', () => {
  const w = parameter('w', [4], Float32Array.of(1, 2, 3, 4))
  const x = input('x', [4])
  const y = accumulate(w, x)

  it.each([
    [new Float64Array(4), 'x [4]: a Float32Array is needed, not a Float64Array'],
    [[1, 2, 3, 4], 'x [4]: a Float32Array is needed, not an Array'],
    [new Int32Array(4), 'x [4]: a Float32Array is needed, not an Int32Array'],
    [undefined, 'x [4]: a Float32Array is needed, not undefined'],
    [new ArrayBuffer(16), 'x [4]: a Float32Array is needed, not an ArrayBuffer'],
    [new Uint32Array(4), 'x holds f32, not u32'],
    [new Float32Array(5), 'x: 5 numbers given for shape [4]'],
  ])('is refused by write (%#), and later runs are none the worse', async (data, message) => {
    const plan = await compile(device.gpu, { outputs: [], report: [y] })
    const variables = new Variables(device.gpu)
    plan.write(x, Float32Array.of(1, 0, 0, 0))
    expect(() => { plan.write(x, wrong(data)) }).toThrow(message) // prettier-ignore
    expect(() => { variables.write(w, wrong(data)) }).toThrow(message.replace(/^x/, 'w')) // prettier-ignore
    expect([...(await plan.run())[0]!]).toEqual([2, 2, 3, 4])
    plan.dispose()
    variables.dispose()
  })

  it('is refused by compile', async () => {
    const { gpu } = device
    const attempt = (first: unknown, outputs: unknown = [y]) =>
      compile(wrong(first), { outputs: wrong(outputs) })
    await expect(attempt(gpu.device)).rejects.toThrow(
      'compile: a Gpu is needed, not a GPUDevice; useDevice(device) makes one from it',
    )
    await expect(attempt(undefined)).rejects.toThrow('compile: a Gpu is needed, not undefined; openGpu,')
    await expect(attempt(Promise.resolve(gpu))).rejects.toThrow('not a Promise (await it)')
    await expect(attempt(gpu, y)).rejects.toThrow('compile: outputs: a list of values is needed, not a Value')
    await expect(attempt(gpu, [y, undefined])).rejects.toThrow(
      'compile: outputs[1]: a Value is needed, not undefined',
    )
    expect(() => new Variables(wrong(gpu.device))).toThrow('Variables: a Gpu is needed, not a GPUDevice')
  })

  it('is refused: variables and buffers of another device, which is not the worse for it', async () => {
    const other = await openTestGpu()
    const variables = new Variables(other)
    await expect(compile(device.gpu, { outputs: [y], variables })).rejects.toThrow(
      'compile: the variables belong to another Gpu',
    )
    const { STORAGE, COPY_DST } = GPUBufferUsage
    const theirs = other.device.createBuffer({ label: 'theirs', size: 16, usage: STORAGE | COPY_DST })
    await expect(compile(device.gpu, { outputs: [y], buffers: new Map([[x, theirs]]) })).rejects.toThrow(
      /^compile: GPU error: .*theirs.*; a buffer of `buffers` belongs to another device, or was destroyed$/,
    )
    const plan = await compile(device.gpu, { outputs: [], report: [y] })
    plan.write(x, new Float32Array(4))
    expect([...(await plan.run())[0]!]).toEqual([1, 2, 3, 4])
    plan.dispose()
    theirs.destroy()
    variables.dispose()
    other.dispose()
    await expect(compile(other, { outputs: [y] })).rejects.toThrow('compile: the Gpu was disposed of')
  })
})

describe('training by run() alone', () => {
  it('is refused nothing: the plan writes the schedule', async () => {
    const w = parameter('w', [2], Float32Array.of(3, 3))
    const value: Value = w
    const adam = new Adam([value], { learningRate: 0.1 })
    const step = await compile(device.gpu, { outputs: [], report: [sum(w)], effects: adam.minimise(sum(w)) })
    const losses: number[] = []
    for (let i = 0; i < 3; i++) losses.push((await step.run())[0]![0]!)
    expect(losses[0]).toBe(6)
    expect(losses[1]).toBeCloseTo(5.8, 5)
    expect(losses[2]).toBeCloseTo(5.6, 5)
    step.dispose()
  })
})

describe('options of compile', () => {
  const y = sum(relu(input('x', [1, 1, 16, 4, 4])))

  it.each([
    [{ memoryLimit: NaN }, 'memoryLimit must be a number of at least 0, not NaN'],
    [{ memoryTarget: NaN }, 'memoryTarget must be a number of at least 0, not NaN'],
    [{ memoryLimit: wrong('1.5GB') }, 'memoryLimit must be a number of at least 0, not 1.5GB'],
    [{ slabPlanes: -1 }, 'slabPlanes must be a whole number of at least 1, not -1'],
    [{ slabPlanes: 1.5 }, 'slabPlanes must be a whole number of at least 1, not 1.5'],
    [{ storage: wrong('f64') }, 'storage must be f32 or f16, not f64'],
    [{ keep: wrong('everything') }, 'compile: keep: a list of values is needed'],
    [{ effects: wrong([[]]) }, 'compile: effects must be a list of nodes; spread what minimise returns'],
    [{ effects: wrong(y) }, 'compile: effects must be a list of nodes'],
  ])('are refused: %j', async (options, message) => {
    await expect(compile(device.gpu, { outputs: [y], ...options })).rejects.toThrow(message)
  })
})

describe('contents of another type', () => {
  it.each([
    [new Float64Array(2), 'c [2]: a Float32Array is needed, not'],
    [new Int32Array(2), 'c [2]: a Float32Array is needed, not'],
    [new Uint8Array(2), 'c [2]: a Float32Array is needed, not'],
    [[1, 2], 'c [2]: a Float32Array is needed, not'],
    [undefined, 'c [2]: a Float32Array is needed, not undefined'],
  ])('are refused: %o', (contents, message) => {
    expect(() => constant('c', [2], wrong(contents))).toThrow(message)
    expect(() => parameter('c', [2], wrong(contents))).toThrow(message)
  })
})
