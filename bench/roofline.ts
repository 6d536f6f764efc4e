import type { Gpu } from '../src/gpu/gpu.js'
import { median } from './harness.js'

/** What the device can do at best, measured here and now. */
export interface Roofline {
  /** Floating-point operations a second of a kernel that does nothing but fused multiply-adds. */
  readonly flops: number
  /** Bytes a second, read and written, of a kernel that copies. */
  readonly bytes: number
}

const elements = 1 << 22
const rounds = 256

const multiplyAdd = `
@group(0) @binding(0) var<storage, read_write> data: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) gid: vec3u) {
  var a = vec4f(data[gid.x]); var b = a + 1.0; var c = a + 2.0; var d = a + 3.0;
  for (var i = 0u; i < ${rounds}u; i++) {
    a = fma(a, vec4f(0.999), vec4f(0.001)); b = fma(b, vec4f(0.999), vec4f(0.001));
    c = fma(c, vec4f(0.999), vec4f(0.001)); d = fma(d, vec4f(0.999), vec4f(0.001));
  }
  let sum = a + b + c + d;
  data[gid.x] = sum.x + sum.y + sum.z + sum.w;
}`

const copy = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> data: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) gid: vec3u) { data[gid.x] = source[gid.x]; }`

/** Measures the device's peak arithmetic and copy rates. */
export async function measureRoofline(gpu: Gpu): Promise<Roofline> {
  const { STORAGE } = GPUBufferUsage
  const [from, to] = [0, 1].map(() => gpu.buffers.create('roofline', 4 * elements, STORAGE)) as [
    GPUBuffer,
    GPUBuffer,
  ]
  const threads = elements / 16
  const arithmetic = await time(gpu, multiplyAdd, [to], threads / 64)
  const copying = await time(gpu, copy, [from, to], elements / 4 / 64)
  gpu.buffers.destroy(from)
  gpu.buffers.destroy(to)
  return { flops: (threads * rounds * 16 * 2) / arithmetic, bytes: (2 * 4 * elements) / copying }
}

async function time(gpu: Gpu, code: string, buffers: GPUBuffer[], workgroups: number): Promise<number> {
  const { device } = gpu
  const module = device.createShaderModule({ code })
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } })
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  const seconds: number[] = []
  for (let i = 0; i < 8; i++) {
    const start = performance.now()
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, bindGroup)
    pass.dispatchWorkgroups(workgroups)
    pass.end()
    device.queue.submit([encoder.finish()])
    await gpu.finish()
    if (i > 0) seconds.push((performance.now() - start) / 1000)
  }
  return median(seconds)
}
