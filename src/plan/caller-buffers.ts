import { wholeVectors } from '../gpu/alignment.js'
import type { Value } from '../graph/value.js'

/** Caller-owned buffers, by the values that they hold. */
export type BoundBuffers = ReadonlyMap<Value, GPUBuffer>

/**
 * Bytes of a value's buffer: its elements, rounded up to whole vec4s (16 bytes), because kernels read and write those.
 * The padding after the last element is ignored.
 */
export function bufferBytes(value: Value): number {
  return wholeVectors(value.bytes)
}

/**
 * Checks the caller-owned buffers.
 *
 * @param inputs the inputs of the graph
 * @param kept its outputs
 * @param report values read back after every run
 * @throws Error if a value cannot have a caller-owned buffer, or the buffer is unsuitable
 */
export function checkBound(
  buffers: BoundBuffers,
  inputs: ReadonlySet<Value>,
  kept: ReadonlySet<Value>,
  report: readonly Value[],
): void {
  const users = new Map<GPUBuffer, Value>()
  for (const [value, buffer] of buffers) {
    const isOutput = kept.has(value) && value.role === 'computed'
    if (!isOutput && !(value.role === 'input' && inputs.has(value)))
      throw new Error(`compile: ${value.name} is neither an input nor an output of this plan`)
    if (buffer.size < bufferBytes(value)) {
      throw new Error(
        `compile: the buffer of ${value.name} [${value.shape.join(', ')}] has ${buffer.size} bytes, but ${bufferBytes(value)} are needed`,
      )
    }
    requireUsage(value, buffer, 'STORAGE')
    if (report.includes(value)) requireUsage(value, buffer, 'COPY_SRC')
    const other = users.get(buffer)
    if (other && (isOutput || other.role === 'computed'))
      throw new Error(`compile: ${other.name} and ${value.name} cannot lie in the same buffer`)
    users.set(buffer, value)
  }
}

/** @throws Error if a buffer was not created with a usage */
export function requireUsage(
  value: Value,
  buffer: GPUBuffer,
  usage: 'STORAGE' | 'COPY_SRC' | 'COPY_DST',
): void {
  if (!(buffer.usage & GPUBufferUsage[usage]))
    throw new Error(`${value.name}: its buffer was created without GPUBufferUsage.${usage}`)
}
