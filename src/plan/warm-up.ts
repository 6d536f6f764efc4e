import type { Gpu } from '../gpu/gpu.js'
import { guarded } from '../gpu/guarded.js'
import { specialise } from '../gpu/shader.js'
import { encodeDispatches, type Dispatch } from './profile.js'

/**
 * Runs one workgroup of every kernel, except those that update variables; these are small. If the device has a helper
 * (`GpuOptions`), that one compiles half of the kernels meanwhile.
 */
export async function warmUp(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<void> {
  const byPipeline = new Map(
    dispatches.filter(({ mutates }) => !mutates).map((dispatch) => [dispatch.pipeline, dispatch]),
  )
  const kernels = [...byPipeline.values()]
  const helper = await gpu.openHelper?.()
  if (!helper) {
    await runOnce(gpu, kernels)
    return
  }
  try {
    const [here, there] = halves(kernels)
    await Promise.all([runOnce(gpu, here), compileOn(helper, there)])
    // Compiled already: the driver keeps its machine code for all devices.
    await runOnce(gpu, there)
  } finally {
    helper.dispose()
  }
}

/** Two lists whose texts are about equally long, as is the time to compile them. */
function halves(kernels: readonly Dispatch[]): [Dispatch[], Dispatch[]] {
  const lengths = new Map(kernels.map((kernel) => [kernel, specialise(kernel.call).length]))
  const lists: [Dispatch[], Dispatch[]] = [[], []]
  const totals: [number, number] = [0, 0]
  for (const kernel of [...kernels].sort((a, b) => lengths.get(b)! - lengths.get(a)!)) {
    const shorter = totals[0] <= totals[1] ? 0 : 1
    lists[shorter].push(kernel)
    totals[shorter] += lengths.get(kernel)!
  }
  return lists
}

async function runOnce(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<void> {
  const { checked } = guarded(gpu, 'warmUp', () => {
    const encoder = gpu.device.createCommandEncoder({ label: 'warm-up' })
    const pass = encoder.beginComputePass({ label: 'warm-up' })
    encodeDispatches(
      pass,
      dispatches.map((dispatch) => ({ ...dispatch, workgroups: [1, 1, 1] })),
    )
    pass.end()
    gpu.device.queue.submit([encoder.finish()])
  })
  await checked
}

/** Runs one workgroup of these kernels on another device, with parameters and contents of zero. */
async function compileOn(helper: Gpu, dispatches: readonly Dispatch[]): Promise<void> {
  const kernels = await Promise.all(dispatches.map(({ call }) => helper.pipelines.get(call)))
  const { STORAGE, UNIFORM } = GPUBufferUsage
  const size = helper.device.limits.maxUniformBufferBindingSize
  // No two bindings may share a buffer that a kernel writes.
  const most = Math.max(0, ...dispatches.map(({ bindings }) => bindings.length))
  const buffers = Array.from({ length: most }, (_, i) =>
    helper.buffers.create(`zeros ${i}`, size, STORAGE | UNIFORM),
  )
  await runOnce(
    helper,
    dispatches.map((dispatch, i) => ({
      ...dispatch,
      pipeline: kernels[i]!.pipeline,
      bindGroup: helper.device.createBindGroup({
        label: dispatch.shader,
        layout: kernels[i]!.layout,
        entries: dispatch.bindings.map(({ index }, at) => ({
          binding: index,
          resource: { buffer: buffers[at]! },
        })),
      }),
    })),
  )
  await helper.finish()
}
