import type { Gpu } from '../src/gpu/gpu.js'

/** The device's peak rates, as measured. */
interface Roofline {
  /** Floating-point operations per second of a kernel that does only multiply-adds. */
  readonly flops: number
  /** Bytes per second, read and written, of a kernel that copies. */
  readonly bytes: number
}

/** 64 MiB: more than a cache holds, less than the binding limit of any device. */
const elements = 1 << 24
const workgroup = 256
/** Multiply-adds of each chain per iteration of the loop, and the number of iterations. */
const unrolled = 16
const turns = 64

/**
 * Independent chains of multiply-adds: enough to hide the latency of each, but few enough for the registers. The best
 * number depends on the device, so several are tried.
 */
const variants = [
  { type: 'f32', lanes: 1, chains: 8 },
  { type: 'f32', lanes: 1, chains: 12 },
  { type: 'vec4f', lanes: 4, chains: 2 },
  { type: 'vec4f', lanes: 4, chains: 4 },
] as const
type Variant = (typeof variants)[number]

function multiplyAdds({ type, lanes, chains }: Variant): string {
  const names = Array.from({ length: chains }, (_, i) => `a${i}`)
  const once = names.map((name) => `${name} = fma(${name}, m, k);`).join(' ')
  return `
@group(0) @binding(0) var<storage, read_write> data: array<f32>;
@compute @workgroup_size(${workgroup}) fn main(@builtin(global_invocation_id) gid: vec3u) {
  // Read from memory, or the compiler would fold everything.
  let seed = data[gid.x]; let m = ${type}(0.999 + seed); let k = ${type}(0.001 + seed);
  ${names.map((name, i) => `var ${name} = ${type}(seed + ${i}.0);`).join(' ')}
  for (var i = 0u; i < ${turns}u; i++) {
    ${Array<string>(unrolled).fill(once).join('\n    ')}
  }
  data[gid.x] = dot(vec4f(${lanes === 1 ? `${names.join(' + ')}, 0, 0, 0` : names.join(' + ')}), vec4f(1e-9));
}`
}

const copy = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> data: array<vec4f>;
@compute @workgroup_size(${workgroup}) fn main(@builtin(global_invocation_id) gid: vec3u) {
  data[gid.x] = source[gid.x];
}`

/** Measures the device's peak arithmetic and copy rates. */
export async function measureRoofline(gpu: Gpu): Promise<Roofline> {
  const { STORAGE } = GPUBufferUsage
  const [from, to] = [0, 1].map(() => gpu.buffers.create('roofline', 4 * elements, STORAGE)) as [
    GPUBuffer,
    GPUBuffer,
  ]
  const threads = 1 << 17
  let flops = 0
  for (const variant of variants) {
    const seconds = await time(gpu, multiplyAdds(variant), [to], threads / workgroup)
    const { lanes, chains } = variant
    flops = Math.max(flops, (2 * threads * turns * unrolled * chains * lanes) / seconds)
  }
  const copying = await time(gpu, copy, [from, to], elements / 4 / workgroup)
  gpu.buffers.destroy(from)
  gpu.buffers.destroy(to)
  return { flops, bytes: (2 * 4 * elements) / copying }
}

/** Seconds of one dispatch, averaged over so many that the cost of submission does not matter. */
async function time(gpu: Gpu, code: string, buffers: GPUBuffer[], workgroups: number): Promise<number> {
  const { device } = gpu
  const module = device.createShaderModule({ code })
  const pipeline = await gpu.wait(device.createComputePipelineAsync({ layout: 'auto', compute: { module } }))
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  const run = async (dispatches: number): Promise<number> => {
    const start = performance.now()
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, bindGroup)
    for (let i = 0; i < dispatches; i++) pass.dispatchWorkgroups(workgroups)
    pass.end()
    device.queue.submit([encoder.finish()])
    await gpu.finish()
    return (performance.now() - start) / 1000
  }
  await run(1)
  let dispatches = 1
  while ((await run(dispatches)) < 0.05) dispatches *= 2
  // The ceiling is the best measurement: other programs on this machine can only lower it.
  let best = Infinity
  for (let i = 0; i < 9; i++) best = Math.min(best, (await run(dispatches)) / dispatches)
  return best
}
