import type { Gpu } from './gpu.js'
import { guarded } from './guarded.js'

/** Bytes in one staging buffer. Larger reads go in pieces, so that a read does not double the memory. */
export const stagingBytes = 32 * 2 ** 20

/**
 * Copies bytes of a buffer to the host.
 *
 * @throws Error if the device refuses, for instance because the buffer was destroyed
 */
export async function readBuffer(
  gpu: Gpu,
  buffer: GPUBuffer,
  offset: number,
  size: number,
): Promise<ArrayBuffer> {
  gpu.requireAlive('read')
  const result = new Uint8Array(size)
  const { MAP_READ, COPY_DST } = GPUBufferUsage
  const staging = gpu.buffers.create('read-back', Math.min(size, stagingBytes), MAP_READ | COPY_DST)
  try {
    for (let at = 0; at < size; at += stagingBytes) {
      const piece = Math.min(stagingBytes, size - at)
      const { value: mapped, checked } = guarded(gpu, `read of ${buffer.label || 'a buffer'}`, () => {
        const encoder = gpu.device.createCommandEncoder({ label: 'read-back' })
        encoder.copyBufferToBuffer(buffer, offset + at, staging, 0, piece)
        gpu.device.queue.submit([encoder.finish()])
        return staging.mapAsync(GPUMapMode.READ, 0, piece)
      })
      await gpu.settled('read', mapped)
      await checked
      result.set(new Uint8Array(staging.getMappedRange(0, piece)), at)
      staging.unmap()
    }
  } finally {
    gpu.buffers.destroy(staging)
  }
  gpu.check()
  return result.buffer
}
