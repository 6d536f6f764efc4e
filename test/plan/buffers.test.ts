/** Inputs and outputs in buffers of the program's own. */
import { afterEach, describe, expect, it } from 'vitest'
import { bufferBytes } from '../../src/plan/caller-buffers.js'
import { gradients } from '../../src/graph/gradients.js'
import { toCallerOrder, toMemoryOrder } from '../../src/graph/layout.js'
import { compile, type CompileOptions } from '../../src/plan/compile.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import { readBuffer } from '../../src/gpu/transfer.js'
import { argmax, conv3d, dot, relu, softmax, sum } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import { drawFrom } from '../ops/check.js'

const device = useGpu()
const draw = drawFrom(31)
const shape = [2, 3, 4, 5, 7]
const f32 = (wanted: readonly number[]) => Float32Array.from(draw(wanted).data)

const own: GPUBuffer[] = []
afterEach(() => {
  for (const buffer of own.splice(0)) buffer.destroy()
})

/** A buffer as a program would make it: the engine knows nothing of it. */
function ownBuffer(size: number, usage?: GPUBufferUsageFlags): GPUBuffer {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
  own.push(device.gpu.device.createBuffer({ size, usage: usage ?? STORAGE | COPY_SRC | COPY_DST }))
  return own.at(-1)!
}

const contents = async (value: Value, buffer: GPUBuffer) =>
  toCallerOrder(value, new Float32Array(await readBuffer(device.gpu, buffer, 0, value.bytes)))

/** What a plan with buffers of its own makes of the same graph. */
async function expected(outputs: readonly Value[], feeds: ReadonlyMap<Value, Float32Array>) {
  const plan = await compile(device.gpu, { outputs })
  for (const [value, data] of feeds) plan.write(value, data)
  await plan.run()
  const results = await Promise.all(outputs.map((value) => plan.read(value)))
  plan.dispose()
  return results
}

describe('buffers of the program', () => {
  it.each([{}, { slabPlanes: 2 }] as Partial<CompileOptions>[])(
    'hold inputs and outputs with the same bits as those of the plan: %o',
    async (options) => {
      const x = input('x', shape)
      const w = parameter('w', [3, 3, 3, 3, 3], f32([3, 3, 3, 3, 3]))
      const hidden = relu(conv3d(x, w))
      const out = softmax(hidden)
      const outputs = [hidden, out, ...gradients(dot(out, hidden), [x, w])]
      const data = f32(shape)
      const wanted = await expected(outputs, new Map([[x, data]]))

      const buffers = new Map([x, ...outputs].map((value) => [value, ownBuffer(bufferBytes(value) + 48)]))
      device.gpu.device.queue.writeBuffer(buffers.get(x)!, 0, toMemoryOrder(x, data))
      const plan = await compile(device.gpu, { outputs, buffers, ...options })
      await plan.run()
      for (const [i, value] of outputs.entries()) {
        expect(wanted[i]!.every(Number.isFinite)).toBe(true)
        expect(plan.buffer(value)).toBe(buffers.get(value))
        expect(await plan.read(value)).toEqual(wanted[i])
      }
      plan.dispose()
      // They outlive the plan, with what it left there.
      for (const [i, value] of outputs.entries())
        expect(await contents(value, buffers.get(value)!)).toEqual(wanted[i])
    },
  )

  it('do not count as memory of the plan', async () => {
    const x = input('x', [1, 1, 8, 32, 32])
    const out = relu(x)
    const plain = await compile(device.gpu, { outputs: [out] })
    const buffers = new Map([x, out].map((value) => [value, ownBuffer(value.bytes)]))
    const bound = await compile(device.gpu, { outputs: [out], buffers })
    expect(plain.bytes - bound.bytes).toBe(x.bytes + out.bytes)
    plain.dispose()
    bound.dispose()
  })

  it('pass from plan to plan without a copy', async () => {
    const x = input('x', shape)
    const first = relu(x)
    const data = f32(shape)
    const producer = await compile(device.gpu, { outputs: [first] })
    const y = input('y', shape)
    const second = softmax(y)
    const consumer = await compile(device.gpu, {
      outputs: [second],
      buffers: new Map([[y, producer.buffer(first)]]),
    })
    producer.write(x, data)
    await producer.run()
    await consumer.run()
    const [wanted] = await expected([softmax(first)], new Map([[x, data]]))
    expect(await consumer.read(second)).toEqual(wanted)
    producer.dispose()
    consumer.dispose()
  })

  it('of one voxel, of labels and with reports', async () => {
    const x = input('x', [1, 2, 1, 1, 1])
    const labels = argmax(x)
    const total = sum(x)
    const buffers = new Map([x, labels, total].map((value) => [value, ownBuffer(16)]))
    const plan = await compile(device.gpu, { outputs: [labels], report: [total], buffers })
    plan.write(x, Float32Array.of(1, 3))
    expect(await plan.run()).toEqual([Float32Array.of(4)])
    expect(await plan.readUint(labels)).toEqual(Uint32Array.of(1))
    plan.dispose()
    expect((await contents(total, buffers.get(total)!))[0]).toBe(4)
  })

  it('are refused if they do not suit', async () => {
    const x = input('x', [1, 1, 1, 3, 1])
    const hidden = relu(x)
    const out = relu(hidden)
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage
    const bind = (...buffers: [Value, GPUBuffer][]) =>
      compile(device.gpu, { outputs: [out], buffers: new Map(buffers) })
    const large = ownBuffer(16)
    await expect(bind([hidden, large])).rejects.toThrow(
      'compile: relu is neither an input nor an output of this plan',
    )
    await expect(bind([input('y', [1]), large])).rejects.toThrow('y is neither an input nor an output')
    await expect(bind([x, ownBuffer(12)])).rejects.toThrow(
      'compile: the buffer of x [1, 1, 1, 3, 1] has 12 bytes, but 16 are needed',
    )
    await expect(bind([x, ownBuffer(16, COPY_DST)])).rejects.toThrow(
      'x: its buffer was created without GPUBufferUsage.STORAGE',
    )
    await expect(bind([x, large], [out, large])).rejects.toThrow('x and relu cannot lie in the same buffer')
    const silent = ownBuffer(16, STORAGE)
    await expect(
      compile(device.gpu, { outputs: [], report: [out], buffers: new Map([[out, silent]]) }),
    ).rejects.toThrow('GPUBufferUsage.COPY_SRC')

    const plan = await bind([x, ownBuffer(16, STORAGE | COPY_SRC)], [out, silent])
    expect(() => {
      plan.write(x, new Float32Array(3))
    }).toThrow('x: its buffer was created without GPUBufferUsage.COPY_DST')
    await plan.run()
    await expect(plan.read(out)).rejects.toThrow('GPUBufferUsage.COPY_SRC')
    expect(() => plan.buffer(hidden)).toThrow(/^relu#.* is neither an input nor an output of this plan/)
    plan.dispose()
  })
})
