/** The engine on a device that the program around it opened. */
import { globals } from 'webgpu'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { compile } from '../../src/plan/compile.js'
import { input, parameter } from '../../src/graph/value.js'
import { Variables } from '../../src/plan/variables.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { deviceDescriptor } from '../../src/gpu/open-device.js'
import { useDevice } from '../../src/gpu/use-device.js'
import { createModel } from '../../src/sae/model.js'
import { makePhantom, phantomTable } from '../../src/sae/phantom/phantom.js'
import { priorFromLabels } from '../../src/sae/prior/prior-from-labels.js'
import { Segmenter } from '../../src/sae/segmenter.js'
import { defaultTraining } from '../../src/sae/settings.js'
import { Trainer } from '../../src/sae/training/trainer.js'
import {
  adapterVariable,
  chooseAdapter,
  findAdapters,
  waitIdly,
  type FoundAdapter,
} from '../../src/node/index.js'
import { conv3d, relu, softmax } from '../../src/ops/index.js'
import { Adam } from '../../src/optim/index.js'
import { sum } from '../../src/ops/sum.js'
import { cube } from '../library/gpu/cube.js'

let found: FoundAdapter
/** A device must not outlive the GPU object that made it. */
const keepAlive: FoundAdapter[] = []
beforeAll(() => {
  Object.assign(globalThis, globals)
})

let device: GPUDevice
let gpu: Gpu
beforeEach(async () => {
  // An adapter gives one device.
  found = await find()
  // With the limits that every device has, and no feature.
  device = await found.adapter.requestDevice()
  gpu = useDevice(device, { wait: waitIdly })
})
afterEach(() => {
  gpu.dispose()
  device.destroy()
})

async function find(): Promise<FoundAdapter> {
  keepAlive.push(chooseAdapter(await findAdapters(), process.env[adapterVariable]))
  return keepAlive.at(-1)!
}

/** A buffer of the program's, written and read: proof that the device is alive. */
async function expectAlive(): Promise<void> {
  const { MAP_READ, COPY_DST } = GPUBufferUsage
  const buffer = device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST })
  device.queue.writeBuffer(buffer, 0, Float32Array.of(1, 2, 3, 4))
  await waitIdly(buffer.mapAsync(GPUMapMode.READ))
  expect([...new Float32Array(buffer.getMappedRange())]).toEqual([1, 2, 3, 4])
  buffer.destroy()
}

/** A command that validation refuses. */
function misbehave(): void {
  device.createBuffer({ label: 'second', size: 4, usage: 0 })
}

/** How often the device tells a listener of the program's of an error, and whether someone has swallowed it. */
function listen(): { readonly swallowed: boolean[] } {
  const swallowed: boolean[] = []
  device.addEventListener('uncapturederror', (event) => {
    swallowed.push(event.defaultPrevented)
    event.preventDefault() // or the test would print it
  })
  return { swallowed }
}

describe("a program's own device", () => {
  it('is known by its adapter, and as the program says', () => {
    expect(gpu.device).toBe(device)
    expect(gpu.adapter.name).not.toBe('')
    expect(gpu.adapter.software).toBe(found.kind !== 'hardware')
    expect(gpu.bindingLimit).toBe(128 * 2 ** 20)
    expect(gpu.subgroupSize).toBe(0)
    const named = useDevice(device, { adapter: { name: 'mine', software: false } })
    expect(named.adapter).toMatchObject({ name: 'mine', software: false })
    named.dispose()
  })

  it('computes with the features that it has, or with none', async () => {
    const other = await find()
    const full = await other.adapter.requestDevice(deviceDescriptor(other.adapter, 'full'))
    const results: Float32Array[] = []
    const x = input('x', [1, 2, 3, 5, 7])
    const w = parameter(
      'w',
      [3, 2, 3, 3, 3],
      Float32Array.from({ length: 162 }, (_, i) => Math.sin(i)),
    )
    const y = softmax(conv3d(x, w))
    for (const each of [gpu, useDevice(full, { wait: waitIdly })]) {
      const plan = await compile(each, { outputs: [y] })
      plan.write(
        x,
        Float32Array.from({ length: x.size }, (_, i) => Math.cos(i)),
      )
      await plan.run()
      results.push(await plan.read(y))
      each.dispose()
    }
    full.destroy()
    expect(results[0]!.some((value) => value > 0.5)).toBe(true)
    expect(results[1]).toEqual(results[0])
  })

  it('outlives the engine, which leaves nothing on it', async () => {
    const x = input('x', [1, 1, 4, 4, 4])
    const plan = await compile(gpu, { outputs: [relu(x)] })
    // The program may write to it, so that the plan takes it for written.
    const buffer = plan.buffer(x)
    const destroy = vi.spyOn(buffer, 'destroy')
    await plan.run()
    expect(gpu.buffers.count).toBeGreaterThan(0)
    gpu.dispose()
    gpu.dispose()
    expect(gpu.buffers.count).toBe(0)
    expect(gpu.pipelines.size).toBe(0)
    expect(destroy).toHaveBeenCalledTimes(1)
    await expectAlive()
    // And may be used again.
    const again = useDevice(device, { wait: waitIdly })
    const second = await compile(again, { outputs: [relu(x)] })
    second.write(x, new Float32Array(64))
    await second.run()
    again.dispose()
    await expectAlive()
  })

  it('has errors that the program sees too, and the engine throws once', async () => {
    const { swallowed } = listen()
    misbehave()
    await expect(gpu.finish()).rejects.toThrow(/^GPU error: .*second/s)
    await gpu.finish()
    expect(swallowed).toEqual([false])
  })

  it('tells the engine of no error after it has left', async () => {
    const { swallowed } = listen()
    gpu.dispose()
    misbehave()
    await waitIdly(device.queue.onSubmittedWorkDone())
    expect(swallowed).toEqual([false])
    gpu.check()
  })

  it('that is lost says so, ever after', async () => {
    device.destroy()
    await gpu.wait(device.lost)
    for (let i = 0; i < 2; i++) {
      expect(() => {
        gpu.check()
      }).toThrow(/^GPU device lost/)
    }
  })

  it('needs the constants of WebGPU', () => {
    vi.stubGlobal('GPUBufferUsage', undefined)
    Reflect.deleteProperty(globalThis, 'GPUBufferUsage')
    expect(() => useDevice(device)).toThrow('useDevice: GPUBufferUsage is not defined')
    vi.unstubAllGlobals()
    Object.assign(globalThis, globals)
  })
})

describe('everything that is made', () => {
  const shape: [number, number, number] = [16, 17, 16]

  /** Makes one of each, and returns what disposes of them. */
  async function makeAll(): Promise<(() => void)[]> {
    const { subjects, unpaired } = makePhantom({ seed: 2, shape, subjects: 1 })
    const classes = phantomTable.classes.length
    const prior = { data: priorFromLabels(unpaired.labels, shape, classes, { floor: 1e-4 }), classes, shape }
    const model = createModel({ classes, widths: [2, 3], instanceNorm: false })
    const variables = new Variables(gpu)
    const trainer = new Trainer(gpu, model, variables, prior, { ...defaultTraining, epochs: 1 })
    const scan = { name: 'scan', data: subjects[0]!.scan }
    for await (const step of trainer.train([scan])) expect(step.loss).toBeGreaterThan(0)
    const segmenter = await Segmenter.create(gpu, model, variables, prior, { posterior: true })
    await segmenter.segment(scan.data)

    const weight = parameter('w', [1, 1, 3, 5, 4], Float32Array.from({ length: 60 }, Math.sin))
    const x = input('x', [1, 1, 3, 5, 4])
    const custom = await compile(gpu, {
      outputs: [cube(x)],
      effects: new Adam([weight]).minimise(sum(relu(weight))),
      memoryTarget: 1e9,
    })
    custom.write(x, new Float32Array(60))
    await custom.run()
    return [trainer, segmenter, variables, custom].map((made) => () => {
      made.dispose()
    })
  }

  it('is released by its own dispose', async () => {
    const before = gpu.buffers.count
    const disposals = await makeAll()
    expect(gpu.buffers.count).toBeGreaterThan(before)
    for (const dispose of disposals) {
      const count = gpu.buffers.count
      dispose()
      expect(gpu.buffers.count).toBeLessThan(count)
      dispose()
    }
    expect([gpu.buffers.count, gpu.buffers.bytes]).toEqual([0, 0])
    await gpu.finish()
  })

  it('is released by that of the engine, on a device that stays', async () => {
    await makeAll()
    gpu.dispose()
    expect([gpu.buffers.count, gpu.buffers.bytes]).toEqual([0, 0])
    await expectAlive()
  })
})
