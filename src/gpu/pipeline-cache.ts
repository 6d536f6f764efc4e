import {
  numbered,
  parseInterface,
  specialise,
  type ShaderInterface,
  type StoredSpecialisation,
} from './shader.js'
import type { Trace } from './trace.js'

/** A compiled kernel and the interface that its source declares. */
export interface Kernel {
  /** The compute pipeline; its entry point is `main`. */
  readonly pipeline: GPUComputePipeline
  /** Layout of bind group 0. */
  readonly layout: GPUBindGroupLayout
  /** The specialised text. */
  readonly code: string
  /** Bindings and parameters of the specialised text. */
  readonly interface: ShaderInterface
}

/** A specialised shader with the values of its `override` constants. */
export interface KernelKey extends StoredSpecialisation {
  /** Values of the WGSL `override` constants, by name. Default: the values that the shader declares. */
  readonly overrides?: Readonly<Record<string, number>>
}

/** Compiles each distinct kernel once; concurrent requests for it share one promise. */
export class PipelineCache {
  private readonly kernels = new Map<string, Promise<Kernel>>()

  constructor(
    private readonly device: GPUDevice,
    private readonly trace: Trace = {},
  ) {}

  /** Number of distinct kernels requested so far. */
  get size(): number {
    return this.kernels.size
  }

  /** @throws Error with the numbered source if the shader does not compile */
  get(key: KernelKey): Promise<Kernel> {
    return /^[ \t]*\/\/ #include /m.test(key.shader.text) ? this.including(key) : this.request(key)
  }

  /** Only kernels of programs still have lines `#include`; the functions for them are loaded with the first one. */
  private async including(key: KernelKey): Promise<Kernel> {
    const { withIncludes } = await import('./includes.js')
    return this.request({ ...key, shader: withIncludes(key.shader) })
  }

  private request(key: KernelKey): Promise<Kernel> {
    const source = specialise(key)
    const id = `${JSON.stringify(key.overrides ?? {})}\n${source}`
    let kernel = this.kernels.get(id)
    if (!kernel) {
      kernel = this.compile(key, source)
      this.kernels.set(id, kernel)
    }
    return kernel
  }

  /** Forgets every kernel. */
  clear(): void {
    this.kernels.clear()
  }

  private async compile(key: KernelKey, code: string): Promise<Kernel> {
    const { device } = this
    const label = key.shader.name
    this.trace.shader?.(`shader ${label}\n${numbered(code)}`)
    const declared = parseInterface(code)
    // The failed pipeline below reports the error with its source; do not report it again as an uncaptured error.
    device.pushErrorScope('validation')
    const module = device.createShaderModule({ label, code })
    void device.popErrorScope()
    const layout = device.createBindGroupLayout({
      label,
      entries: declared.bindings.map(({ index, type }) => ({
        binding: index,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type },
      })),
    })
    try {
      const pipeline = await device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main', ...(key.overrides ? { constants: key.overrides } : {}) },
      })
      return { pipeline, layout, code, interface: declared }
    } catch (cause) {
      const { messages } = await module.getCompilationInfo()
      const errors = messages.map((m) => `  line ${m.lineNum}:${m.linePos} ${m.message}`).join('\n')
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`shader ${label} does not compile: ${reason}\n${errors}\n${numbered(code)}`, { cause })
    }
  }
}
