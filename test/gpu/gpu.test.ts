import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compile } from '../../src/plan/compile.js'
import { input } from '../../src/graph/value.js'
import { BufferRegistry } from '../../src/gpu/buffer-registry.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { readBuffer } from '../../src/gpu/transfer.js'
import { openGpu } from '../../src/node/index.js'
import { softmax } from '../../src/ops/index.js'

// A device for each test and no error scopes: these tests make it fail.
let gpu: Gpu
beforeEach(async () => {
  gpu = await openGpu()
})
afterEach(() => {
  gpu.dispose()
})

/** A command that validation refuses. WebGPU does not throw here. */
const misbehave = (): void => {
  const buffer = gpu.buffers.create('no source', 16, GPUBufferUsage.COPY_DST)
  const encoder = gpu.device.createCommandEncoder()
  encoder.copyBufferToBuffer(buffer, 0, buffer, 8, 8)
  gpu.device.queue.submit([encoder.finish()])
}

describe('an error that no one catches', () => {
  it('surfaces at the end of the work, once', async () => {
    await gpu.finish()
    misbehave()
    await expect(gpu.finish()).rejects.toThrow(/^GPU error: .*no source/s)
    gpu.check()
    await gpu.finish()
  })

  it('surfaces at a run, a report and a read', async () => {
    const x = input('x', [1, 2, 1, 1, 1])
    const y = softmax(x)
    const plans = [await compile(gpu, { outputs: [y] }), await compile(gpu, { outputs: [], report: [y] })]
    for (const plan of plans) {
      plan.write(x, Float32Array.of(0, 0))
      misbehave()
      await expect(plan.run()).rejects.toThrow(/^GPU error/)
      await plan.run()
    }
    misbehave()
    await expect(plans[0]!.read(y)).rejects.toThrow(/^GPU error/)
    expect([...(await plans[0]!.read(y))]).toEqual([0.5, 0.5])
  })

  it('is the first of several', async () => {
    misbehave()
    await gpu.wait(gpu.device.queue.onSubmittedWorkDone())
    gpu.device.createBuffer({ label: 'second', size: 4, usage: 0 })
    await expect(gpu.finish()).rejects.toThrow(/no source/)
  })
})

describe('a device', () => {
  it('that is lost says so', async () => {
    gpu.device.destroy()
    await gpu.wait(gpu.device.lost)
    expect(() => {
      gpu.check()
    }).toThrow(/^GPU device lost \(destroyed\)/)
  })

  it('that is disposed of is not lost, and its buffers are gone', async () => {
    gpu.buffers.create('left', 64, GPUBufferUsage.STORAGE)
    gpu.dispose()
    await gpu.wait(gpu.device.lost)
    gpu.check()
    expect([gpu.buffers.count, gpu.buffers.bytes]).toEqual([0, 0])
  })

  it('binds what its adapter allows, not the default of 128 MiB at most', () => {
    expect(gpu.bindingLimit).toBe(gpu.device.limits.maxStorageBufferBindingSize)
    expect(gpu.bindingLimit).toBeGreaterThanOrEqual(128 * 2 ** 20)
    expect(gpu.adapter.name).not.toBe('')
  })
})

describe('the buffer registry', () => {
  it('counts buffers and bytes, rounded up to 16, and remembers the peak', () => {
    const buffers = new BufferRegistry(gpu.device)
    const first = buffers.create('first', 5, GPUBufferUsage.STORAGE)
    const second = buffers.create('second', 100, GPUBufferUsage.STORAGE)
    buffers.create('empty', 0, GPUBufferUsage.STORAGE)
    expect(buffers).toMatchObject({ count: 3, bytes: 144, peakBytes: 144 })
    expect(first.label).toBe('first')
    buffers.destroy(second)
    buffers.destroy(second)
    expect(buffers).toMatchObject({ count: 2, bytes: 32, peakBytes: 144 })
    buffers.resetPeak()
    expect(buffers.peakBytes).toBe(32)
    buffers.destroyAll()
    expect(buffers).toMatchObject({ count: 0, bytes: 0, peakBytes: 32 })
  })
})

describe('readBuffer', () => {
  it('reads more than one staging buffer holds, from an offset', async () => {
    const words = 9 * 2 ** 20 // 36 MiB, in pieces of 32
    const data = Uint32Array.from({ length: words }, (_, i) => Math.imul(i, 2654435761))
    const { COPY_SRC, COPY_DST } = GPUBufferUsage
    const buffer = gpu.buffers.create('source', data.byteLength, COPY_SRC | COPY_DST)
    gpu.device.queue.writeBuffer(buffer, 0, data)
    const skip = 12
    const read = new Uint32Array(await readBuffer(gpu, buffer, 4 * skip, 4 * (words - skip)))
    expect(read.length).toBe(words - skip)
    expect(read.findIndex((word, i) => word !== data[i + skip])).toBe(-1)
    expect(gpu.buffers.count).toBe(1)
  })
})
