import { describe, expect, it } from 'vitest'
import { PipelineCache, type KernelKey } from '../../src/gpu/pipeline-cache.js'
import type { ShaderSource } from '../../src/gpu/shader.js'
import { useGpu } from '../gpu.js'
import * as tiny from './tiny-shaders.js'

const device = useGpu()

const scale = (FACTOR: number, body = ''): KernelKey => ({
  shader: tiny.scale,
  flags: { HALVE: false, NEGATE: false },
  consts: { FACTOR, COPIES: 1 },
  generated: { body },
})

describe('the pipeline cache', () => {
  it('compiles each kernel once; requests meanwhile share the promise', async () => {
    const cache = new PipelineCache(device.gpu.device)
    const first = cache.get(scale(2))
    expect(cache.get(scale(2))).toBe(first)
    const other = cache.get(scale(3))
    expect(other).not.toBe(first)
    expect(cache.size).toBe(2)
    const [kernel] = await device.gpu.wait(Promise.all([first, other]))
    expect(cache.get(scale(2))).toBe(first)
    expect(kernel.interface.bindings.map(({ name }) => name)).toEqual(['params', 'input', 'output'])
    expect(kernel.interface.params).toEqual([{ name: 'count', type: 'u32' }])
  })

  it('tells kernels apart by the values of their overrides', async () => {
    const cache = new PipelineCache(device.gpu.device)
    const lanes = (LANES: number) => cache.get({ ...scale(2), overrides: { LANES } })
    expect(lanes(8)).toBe(lanes(8))
    expect(lanes(8)).not.toBe(lanes(16))
    expect(cache.get(scale(2))).not.toBe(lanes(8))
    await device.gpu.wait(Promise.all([lanes(8), lanes(16), cache.get(scale(2))]))
    expect(cache.size).toBe(3)
  })

  it('says why a shader does not compile, with its numbered text, and leaves no other error behind', async () => {
    const cache = new PipelineCache(device.gpu.device)
    const error: unknown = await device.gpu.wait(
      cache.get(scale(2, 'let broken = nothing_of_that_name;')).catch((reason: unknown) => reason),
    )
    expect(error).toBeInstanceOf(Error)
    const { message } = error as Error
    expect(message).toMatch(/^shader test\/scale does not compile: /)
    const line = /line (\d+):\d+ .*nothing_of_that_name/.exec(message)
    expect(message).toContain(`${line![1]!.padStart(4)} |   let broken = nothing_of_that_name;`)
    expect(message).toContain('\n   1 | // output = FACTOR * input')
    await device.gpu.finish()
  })

  it('compiles a kernel that includes files, once, and says if one is missing', async () => {
    const cache = new PipelineCache(device.gpu.device)
    const get = (shader: ShaderSource) => device.gpu.wait(cache.get({ ...scale(2), shader }))
    const [first, second] = await Promise.all([get(tiny.including), get(tiny.including)])
    expect(second).toBe(first)
    expect(first.code).not.toContain('#include')
    await expect(get(tiny.lost)).rejects.toThrow('shader test/lost: no shader common/nowhere to include')
    expect(cache.size).toBe(1)
  })

  it('refuses a key that does not fit the file at once', () => {
    const cache = new PipelineCache(device.gpu.device)
    expect(() => cache.get({ shader: tiny.scale })).toThrow('flag HALVE is not given')
    expect(cache.size).toBe(0)
  })
})
