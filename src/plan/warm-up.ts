import type { Gpu } from '../gpu/gpu.js'
import { guarded } from '../gpu/guarded.js'
import { encodeDispatches, type Dispatch } from './dispatch.js'

/**
 * Runs one workgroup of every kernel, except those that update variables; these are small. If the device has a helper
 * (`GpuOptions`), both compile meanwhile: each takes the kernel with the longest text that is left.
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
    const left = byLength(kernels).values()
    const there: Dispatch[] = []
    const takeTurns = async (on: Gpu, run: (kernel: Dispatch) => Promise<void>) => {
      for (const kernel of left) {
        await run(kernel)
        await on.finish()
      }
    }
    const zeros = new Zeros(helper)
    await Promise.all([
      takeTurns(gpu, (kernel) => runOnce(gpu, [kernel])),
      takeTurns(helper, (kernel) => {
        there.push(kernel)
        return compileOn(helper, kernel, zeros)
      }),
    ])
    // Compiled already: the driver keeps its machine code for all devices.
    await runOnce(gpu, there)
  } finally {
    helper.dispose()
  }
}

/** The longest text first: a long text takes long to compile, and must not be the last. */
function byLength(kernels: readonly Dispatch[]): Dispatch[] {
  return [...kernels].sort((a, b) => b.code.length - a.code.length)
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

/** Buffers of zeros for bindings; no two bindings of a kernel may share a buffer that it writes. */
class Zeros {
  private readonly buffers: GPUBuffer[] = []

  constructor(private readonly gpu: Gpu) {}

  /** The buffer for the binding at this position of a kernel. */
  at(position: number): GPUBuffer {
    const { STORAGE, UNIFORM } = GPUBufferUsage
    const size = this.gpu.device.limits.maxUniformBufferBindingSize
    return (this.buffers[position] ??= this.gpu.buffers.create(`zeros ${position}`, size, STORAGE | UNIFORM))
  }
}

/** Runs one workgroup of a kernel on another device, with parameters and contents of zero. */
async function compileOn(helper: Gpu, dispatch: Dispatch, zeros: Zeros): Promise<void> {
  const { pipeline, layout } = await helper.pipelines.get(dispatch.call)
  const bindGroup = helper.device.createBindGroup({
    label: dispatch.shader,
    layout,
    entries: dispatch.bindings.map(({ index }, at) => ({
      binding: index,
      resource: { buffer: zeros.at(at) },
    })),
  })
  await runOnce(helper, [{ ...dispatch, pipeline, bindGroup }])
}
