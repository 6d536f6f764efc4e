/** The self-check of a device: it passes here, and does not where a kernel is wrong. */
import { describe, expect, it } from 'vitest'
import { UserError } from '../../../src/errors.js'
import type { Gpu } from '../../../src/gpu/gpu.js'
import type { KernelKey } from '../../../src/gpu/pipeline-cache.js'
import { formatChecks, requireSound, selfCheck } from '../../../src/self-check/index.js'
import { useGpu } from '../../gpu.js'

const device = useGpu()

/** Families, and a kernel of each. */
const kernels: Record<string, RegExp> = {
  convolution: /^conv3d\/(forward|unrolled)/,
  'convolution, gradient of input': /^conv3d\//,
  'convolution, gradient of weights': /^conv3d\/.*backward_weight/,
  pooling: /^max_pool3d\//,
  upsampling: /^upsample_nearest\//,
  softmax: /^softmax\//,
  MRF: /^(mrf|neighbour_sums)\//,
  sample: /^posterior\//,
  reduction: /^(sum|reduce)\//,
  Adam: /^adam\//,
}

/** Runs `body` while the kernels of these names compute nothing. */
async function withBroken<T>(gpu: Gpu, names: RegExp, body: () => Promise<T>): Promise<T> {
  const { pipelines } = gpu
  const get = pipelines.get.bind(pipelines)
  let broken = 0
  Object.defineProperty(pipelines, 'get', {
    value: (key: KernelKey) => {
      if (!names.test(key.shader.name)) return get(key)
      const text = key.shader.text.replace(/(fn main\([^]*?\) ?\{\n)/, '$1  if (true) { return; }\n')
      expect(text).not.toBe(key.shader.text)
      broken++
      return get({ ...key, shader: { ...key.shader, text } })
    },
    configurable: true,
  })
  try {
    return await body()
  } finally {
    Reflect.deleteProperty(pipelines, 'get')
    expect(broken, String(names)).toBeGreaterThan(0)
  }
}

it('passes on this device, family by family, to rounding', async () => {
  const checks = await selfCheck(device.gpu)
  expect(checks.map(({ family }) => family)).toEqual(Object.keys(kernels))
  for (const { family, error, ok } of checks) {
    expect(error, family).toBeLessThan(2e-6)
    expect(ok, family).toBe(true)
  }
  expect(formatChecks(checks).split('\n')).toHaveLength(checks.length)
})

it('is quick, and leaves nothing behind', async () => {
  await requireSound(device.gpu)
  const { count } = device.gpu.buffers
  const start = performance.now()
  await requireSound(device.gpu)
  console.log(`quick self-check, kernels compiled: ${(performance.now() - start).toFixed(0)} ms`)
  expect(device.gpu.buffers.count).toBe(count)
})

describe('a kernel that is wrong', () => {
  it.each(Object.entries(kernels))('is found: %s', async (family, names) => {
    const checks = await withBroken(device.gpu, names, () => selfCheck(device.gpu, { quick: true }))
    const check = checks.find((each) => each.family === family)!
    expect(check.ok).toBe(false)
    expect(formatChecks(checks)).toMatch(new RegExp(`^${family} +WRONG  relative error `, 'm'))
  })

  it('refuses the device in one line', async () => {
    const refused = withBroken(device.gpu, /^adam\//, () => requireSound(device.gpu))
    await expect(refused).rejects.toThrow(UserError)
    await expect(refused).rejects.toThrow(
      /^.+ computes wrongly: Adam \(relative error \d.*\); update its driver, or choose another adapter$/,
    )
  })
})
