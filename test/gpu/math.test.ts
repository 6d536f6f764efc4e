/** shaders/common/math.wgsl against float64, over the numbers that logits, probabilities and noise take. */
import { describe, expect, it } from 'vitest'
import { readBuffer } from '../../src/gpu/transfer.js'
import { mulberry32 } from '../reference/nd-array.js'
import { useGpu } from '../gpu.js'
import { shaderSources } from '../shader-sources.js'

const device = useGpu()

/** Applies a WGSL expression in x to every number. */
async function evaluate(expression: string, numbers: Float32Array<ArrayBuffer>): Promise<Float32Array> {
  const { gpu } = device
  const code = `${shaderSources.get('common/math')!}\n${shaderSources.get('common/gumbel')!}
    @group(0) @binding(0) var<storage, read_write> values: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) gid: vec3u) {
      if (gid.x >= arrayLength(&values)) { return; }
      let x = values[gid.x];
      values[gid.x] = ${expression};
    }`
  const module = gpu.device.createShaderModule({ code })
  const pipeline = await gpu.wait(
    gpu.device.createComputePipelineAsync({ layout: 'auto', compute: { module } }),
  )
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
  const buffer = gpu.buffers.create('values', numbers.byteLength, STORAGE | COPY_SRC | COPY_DST)
  gpu.device.queue.writeBuffer(buffer, 0, numbers)
  const encoder = gpu.device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(
    0,
    gpu.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer } }],
    }),
  )
  pass.dispatchWorkgroups(Math.ceil(numbers.length / 64))
  pass.end()
  gpu.device.queue.submit([encoder.finish()])
  const result = new Float32Array(await readBuffer(gpu, buffer, 0, numbers.byteLength))
  gpu.buffers.destroy(buffer)
  return result
}

/** The distance of f32 numbers at x: one unit in the last place. */
const unit = (x: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -126) - 23)

/** The largest error in units in the last place of the exact value; Infinity where a value is not finite. */
function worst(actual: Float32Array, inputs: Float32Array, exact: (x: number) => number): number {
  return actual.reduce((largest, value, i) => {
    const expected = exact(inputs[i]!)
    const error = expected === value ? 0 : Math.abs(value - expected) / unit(expected)
    return Number.isFinite(error) ? Math.max(largest, error) : Infinity
  }, 0)
}

const random = mulberry32(31)
const spread = (low: number, high: number, f: (x: number) => number = (x) => x) =>
  Float32Array.from({ length: 50_000 }, () => f(low + (high - low) * random()))

describe('log_exact', () => {
  it.each([
    ['from 1e-37 to 1e37', spread(-85, 85, Math.exp)],
    ['between 0.5 and 2', spread(0.5, 2)],
    ['near 1', Float32Array.from({ length: 4000 }, (_, i) => 1 + (i - 2000) * 2 ** -24)],
    ['of probabilities near 0', spread(-28, -20, Math.exp)],
  ])('%s', async (_, x) => {
    expect(worst(await evaluate('log_exact(x)', x), x, Math.log)).toBeLessThan(1.5)
  })
})

describe('exp_exact', () => {
  it.each([
    ['from -87 to 88', spread(-87, 88)],
    ['near 0', spread(-1e-3, 1e-3)],
  ])('%s', async (_, x) => {
    expect(worst(await evaluate('exp_exact(x)', x), x, Math.exp)).toBeLessThan(1.5)
  })

  it('is 1 at 0, 0 far below and finite far above', async () => {
    const [one, low, lower, high, higher] = await evaluate(
      'exp_exact(x)',
      Float32Array.of(0, -88, -2e12, 89, 1e12),
    )
    expect([one, low, lower]).toEqual([1, 0, 0])
    for (const large of [high!, higher!]) expect(large / Math.exp(88)).toBeCloseTo(1, 4)
  })
})

describe('gumbel', () => {
  it('keeps its tail: noise up to the last f32 below 1, and 0', async () => {
    const ends = [0, 2 ** -24, 2 ** -23, 1 - 2 ** -24, 1 - 2 ** -23, 1 - 3 * 2 ** -24]
    const u = Float32Array.from([...ends, ...spread(0, 1), ...spread(-16, -5, (x) => 1 - Math.exp(x))])
    const exact = (x: number) => -Math.log(-Math.log(x + 1e-20) + 1e-20)
    const actual = await evaluate('gumbel(x)', u)
    // Near its zero at 1/e the logarithm's argument is itself rounded: bounded absolutely there.
    const error = actual.reduce(
      (largest, value, i) =>
        Math.max(largest, Math.abs(value - exact(u[i]!)) / Math.max(1, Math.abs(exact(u[i]!)))),
      0,
    )
    expect(actual.every(Number.isFinite)).toBe(true)
    expect(error).toBeLessThan(3e-7)
  })
})
