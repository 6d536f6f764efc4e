import { globals } from 'webgpu'
import { afterAll, afterEach, beforeAll, beforeEach, expect, type TestContext } from 'vitest'
import { Gpu } from '../src/gpu/gpu.js'
import {
  adapterVariable,
  chooseAdapter,
  findAdapters,
  openGpu,
  summarise,
  waitIdly,
  type FoundAdapter,
} from '../src/node/index.js'
import { wishedDescriptor, type DeviceWish } from './device-wish.js'

export { differentiate, evaluate, type Feeds, type UintArray } from './evaluate.js'
export { withBindingLimit, withOtherTiles, withoutSubgroups } from './pretend.js'

/**
 * Environment variables that make `useGpu` open a poorer device: `SAE_TEST_LIMITS=default` with exactly WebGPU's default
 * limits, `SAE_TEST_FEATURES=none` without optional features.
 */
const { SAE_TEST_LIMITS, SAE_TEST_FEATURES } = process.env

/** What the environment asks of the devices of all tests. */
function wishOfEnvironment(): DeviceWish {
  for (const [name, value, only] of [
    ['SAE_TEST_LIMITS', SAE_TEST_LIMITS, 'default'],
    ['SAE_TEST_FEATURES', SAE_TEST_FEATURES, 'none'],
  ]) {
    if (value && value !== only) throw new Error(`${name!} must be "${only!}" or unset, not "${value}"`)
  }
  return {
    limits: SAE_TEST_LIMITS ? 'default' : 'raised',
    features: SAE_TEST_FEATURES ? 'none' : 'all',
  }
}

/** Opens the adapter that SAE_ADAPTER names with as much as is wished for; as `openGpu` does where that is everything. */
export async function openTestGpu(wish: DeviceWish = wishOfEnvironment()): Promise<Gpu> {
  if (wish.limits === 'raised' && wish.features === 'all') return openGpu()
  Object.assign(globalThis, globals)
  const found = chooseAdapter(await findAdapters(), process.env[adapterVariable])
  const device = await found.adapter.requestDevice(wishedDescriptor(found.adapter, found.name, wish))
  const gpu = new Gpu(device, summarise(found), { wait: waitIdly })
  keepAlive.set(gpu, found)
  return gpu
}

// A device must not outlive the GPU object that made it.
const keepAlive = new WeakMap<Gpu, FoundAdapter>()

/**
 * Opens the device of a test file (SAE_ADAPTER chooses, see also `openTestGpu`) and puts an error scope and a count of live buffers around
 * every test: a validation error or a leaked buffer fails it.
 */
export function useGpu(): { readonly gpu: Gpu } {
  const holder: { gpu?: Gpu } = {}
  let buffersBefore = 0
  beforeAll(async () => {
    holder.gpu = await openTestGpu()
  })
  beforeEach(() => {
    buffersBefore = holder.gpu!.buffers.count
    holder.gpu!.device.pushErrorScope('validation')
    holder.gpu!.device.pushErrorScope('out-of-memory')
  })
  afterEach(async () => {
    const { gpu } = holder
    const errors = await gpu!.wait(Promise.all([gpu!.device.popErrorScope(), gpu!.device.popErrorScope()]))
    for (const error of errors) expect(error?.message).toBeUndefined()
    gpu!.check()
    expect(gpu!.buffers.count, 'live buffers').toBe(buffersBefore)
  })
  afterAll(() => {
    holder.gpu?.dispose()
  })
  return {
    get gpu() {
      return holder.gpu!
    },
  }
}

/** Skips a test, with the reason, on a device that cannot store f16. */
export function needHalves({ device, adapter }: Gpu, { skip }: TestContext): void {
  skip(!device.features.has('shader-f16'), `${adapter.name} has no shader-f16`)
}
