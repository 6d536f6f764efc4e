import type { Gpu } from '../gpu/gpu.js'
import { readBuffer } from '../gpu/transfer.js'
import type { Shape, Value } from '../graph/value.js'

/** A variable that was read back. */
export interface VariableContents {
  /** Extents, slowest axis first. */
  readonly shape: Shape
  /** Elements in row-major order. */
  readonly data: Float32Array
}

/**
 * The contents of variables (parameters, optimiser state) on a device. Plans for different volume shapes can share it,
 * and with it their weights.
 */
export class Variables {
  private readonly buffers = new Map<Value, GPUBuffer>()

  constructor(private readonly gpu: Gpu) {}

  /** The buffer of a variable, created with its initial contents on first use. */
  buffer(variable: Value): GPUBuffer {
    let buffer = this.buffers.get(variable)
    if (!buffer) {
      const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPUBufferUsage
      buffer = this.gpu.buffers.create(variable.name, variable.bytes, STORAGE | UNIFORM | COPY_SRC | COPY_DST)
      this.buffers.set(variable, buffer)
      if (variable.initial) this.write(variable, variable.initial)
    }
    return buffer
  }

  /** @throws Error if `data` has another length than the variable. */
  write(variable: Value, data: Float32Array | Uint32Array): void {
    if (data.length !== variable.size) {
      throw new Error(
        `${variable.name}: ${data.length} numbers given for shape [${variable.shape.join(', ')}]`,
      )
    }
    this.gpu.device.queue.writeBuffer(this.buffer(variable), 0, data.buffer, data.byteOffset, data.byteLength)
  }

  /** Reads an f32 variable back, row-major, once all work submitted before is done. */
  async read(variable: Value): Promise<Float32Array> {
    return new Float32Array(await readBuffer(this.gpu, this.buffer(variable), 0, variable.bytes))
  }

  /** Reads several of them back, by their names. */
  async readAll(variables: readonly Value[]): Promise<Map<string, VariableContents>> {
    // All at once: about seventy small reads, one by one, would take as long as a small step.
    const entries = variables.map(
      async (variable) =>
        [variable.name, { shape: variable.shape, data: await this.read(variable) }] as const,
    )
    return new Map(await Promise.all(entries))
  }

  /** Destroys every buffer. */
  dispose(): void {
    for (const buffer of this.buffers.values()) this.gpu.buffers.destroy(buffer)
    this.buffers.clear()
  }
}

/** Why a tensor cannot be the contents of a variable, phrased to follow its name; undefined if it fits. */
export function misfit({ shape }: Value, tensor: VariableContents | undefined): string | undefined {
  if (!tensor) return 'is missing'
  if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i]))
    return `is [${tensor.shape.join(', ')}], not [${shape.join(', ')}]`
  return tensor.data.every(Number.isFinite) ? undefined : 'holds numbers that are not finite'
}
