import type { Gpu } from '../gpu/gpu.js'
import { kindOf, requireGpu } from '../gpu/require-gpu.js'
import { readBuffer } from '../gpu/transfer.js'
import { requireContents, requireType, type Shape, type Value } from '../graph/value.js'

/** The contents of a variable, read back. */
export interface VariableContents {
  /** Extents, slowest axis first. */
  readonly shape: Shape
  /** Elements in row-major order. */
  readonly data: Float32Array
}

/**
 * The contents of variables (parameters, optimiser state) on a device. Plans, for example for different volume shapes,
 * can share them.
 */
export class Variables {
  private readonly buffers = new Map<Value, GPUBuffer>()
  private readonly steps = new Map<Value, number>()
  private disposed = false

  /** @throws Error if `gpu` is not a `Gpu`, or was disposed of */
  constructor(private readonly gpu: Gpu) {
    requireGpu('Variables', gpu)
  }

  /**
   * The buffer of a variable, created with its initial contents on first use.
   *
   * @throws Error if the value is not a variable, or after `dispose`
   */
  buffer(variable: Value): GPUBuffer {
    this.requireUsable(variable.name)
    if (variable.role !== 'variable')
      throw new Error(`${variable.name}: a variable is needed; its role is ${variable.role}`)
    let buffer = this.buffers.get(variable)
    if (!buffer) {
      const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPUBufferUsage
      buffer = this.gpu.buffers.create(variable.name, variable.bytes, STORAGE | UNIFORM | COPY_SRC | COPY_DST)
      this.buffers.set(variable, buffer)
      if (variable.initial) this.write(variable, variable.initial)
    }
    return buffer
  }

  /** @throws Error if the length or type of `data` differs from the variable's, or after `dispose` */
  write(variable: Value, data: Float32Array | Uint32Array): void {
    requireContents(variable, data)
    this.gpu.device.queue.writeBuffer(this.buffer(variable), 0, data.buffer, data.byteOffset, data.byteLength)
  }

  /** Reads an f32 variable back, row-major, once all work submitted before is done. */
  async read(variable: Value): Promise<Float32Array> {
    requireType(variable, 'f32')
    return new Float32Array(await readBuffer(this.gpu, this.buffer(variable), 0, variable.bytes))
  }

  /** Reads several variables back, by name. */
  async readAll(variables: readonly Value[]): Promise<Map<string, VariableContents>> {
    // All at once, because about seventy small reads one by one would take as long as a small training step.
    const entries = variables.map(
      async (variable) =>
        [variable.name, { shape: variable.shape, data: await this.read(variable) }] as const,
    )
    return new Map(await Promise.all(entries))
  }

  /**
   * The number of steps that an optimiser has taken on these variables, in all plans that share them.
   *
   * @param schedule the optimiser's `schedule`
   * @throws Error if it is anything else, such as the optimiser itself
   */
  stepsOf(schedule: Value): number {
    requireSchedule(schedule)
    return this.steps.get(schedule) ?? 0
  }

  /** Sets the number of steps taken, to resume from a checkpoint: the next step is `steps` + 1. @throws Error as `stepsOf` */
  setStepsOf(schedule: Value, steps: number): void {
    requireSchedule(schedule)
    if (!(Number.isInteger(steps) && steps >= 0))
      throw new Error(`${schedule.name}: steps done must be a whole number, not ${steps}`)
    this.steps.set(schedule, steps)
  }

  /** @internal @throws Error if they lie on another device, or after `dispose` */
  requireUsable(what: string, gpu: Gpu = this.gpu): void {
    if (this.disposed) throw new Error(`${what}: the variables were disposed of`)
    if (gpu !== this.gpu)
      throw new Error(
        `${what}: the variables belong to another Gpu; make them with new Variables(gpu) of this one`,
      )
    gpu.requireAlive(what)
  }

  /** Destroys every buffer. The variables cannot be used again. */
  dispose(): void {
    this.disposed = true
    for (const buffer of this.buffers.values()) this.gpu.buffers.destroy(buffer)
    this.buffers.clear()
  }
}

function requireSchedule(schedule: Partial<Value> | undefined): void {
  if (!schedule?.feed)
    throw new Error(`steps are counted by an optimiser's \`schedule\`, not by ${kindOf(schedule)}`)
}

/** Why a tensor cannot be the contents of a variable, phrased to follow its name; undefined if it fits. */
export function misfit({ shape }: Value, tensor: VariableContents | undefined): string | undefined {
  if (!tensor) return 'is missing'
  if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i]))
    return `is [${tensor.shape.join(', ')}], not [${shape.join(', ')}]`
  return tensor.data.every(Number.isFinite) ? undefined : 'holds numbers that are not finite'
}
