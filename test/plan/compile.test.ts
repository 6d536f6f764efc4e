/** What cannot be compiled, by this device or by any. */
import { describe, expect, it } from 'vitest'
import { UserError } from '../../src/errors.js'
import { accumulate } from '../../src/graph/accumulate.js'
import { input, parameter } from '../../src/graph/value.js'
import { argmax, conv3d, sum } from '../../src/ops/index.js'
import { compile } from '../../src/plan/compile.js'
import { useGpu, withBindingLimit } from '../gpu.js'

const device = useGpu()

describe('a device without memory', () => {
  it('is named, with what is needed, and nothing is left behind', async () => {
    const x = input('x', [1 << 20])
    // Now the pipeline is there, and buffers are all that the next plan asks the device for.
    const first = await compile(device.gpu, { outputs: [accumulate(x, x)] })
    first.dispose()
    const { device: gpuDevice } = device.gpu
    const pop = gpuDevice.popErrorScope.bind(gpuDevice)
    const answers = [{ message: 'Out of memory' } as GPUError, null]
    const pretend = async () => {
      await pop()
      return answers.shift() ?? null
    }
    Object.defineProperty(gpuDevice, 'popErrorScope', { value: pretend, configurable: true })
    try {
      const failure = compile(device.gpu, { outputs: [accumulate(x, x)] })
      await expect(failure).rejects.toThrow(UserError)
      await expect(failure).rejects.toThrow(/^.+ is out of memory: 13 MB is needed; /)
    } finally {
      Reflect.deleteProperty(gpuDevice, 'popErrorScope')
    }
  })

  it('is distinguished from one whose buffers cannot be so large', async () => {
    const { maxBufferSize } = device.gpu.device.limits
    const x = input('x', [1, 1, Math.floor(maxBufferSize / 2 ** 20) + 1, 512, 512])
    await expect(compile(device.gpu, { outputs: [sum(x)] })).rejects.toThrow(
      /^\d+ MB is needed in one buffer, but .+ allows at most \d+ MB; /,
    )
  })
})

describe('a value that must be shown whole', () => {
  it('is refused by name if the device cannot bind it', async () => {
    const x = input('x', [1, 4, 2, 3, 5])
    const w = parameter('w', [4, 4, 3, 3, 3], new Float32Array(432))
    const { limits } = device.gpu.device
    const pretend = (value: unknown) =>
      Object.defineProperty(device.gpu.device, 'limits', { value, configurable: true })
    pretend({ maxStorageBufferBindingSize: 1024, maxUniformBufferBindingSize: 65536 })
    try {
      const plan = withBindingLimit(device.gpu, 16384, () =>
        compile(device.gpu, { outputs: [conv3d(x, w, undefined, { padding: 'same' })] }),
      )
      await expect(plan).rejects.toThrow(UserError)
      await expect(plan).rejects.toThrow(
        'w [4, 4, 3, 3, 3]: 1728 bytes are needed in one binding, more than the 1024 that this device can bind',
      )
    } finally {
      pretend(limits)
    }
  })
})

it('refuses to compute with labels as if they were numbers', async () => {
  const labels = argmax(input('x', [2, 3, 4, 5, 7]))
  await expect(compile(device.gpu, { outputs: [sum(labels)] })).rejects.toThrow(
    /a cannot be argmax, whose elements are u32/,
  )
})
