/** Bindings start at multiples of this many bytes on every WebGPU device, of storage and of uniform buffers. */
export const bindingAlignment = 256

/** Bytes rounded up to whole vec4s: kernels read and write those, so buffers and bindings end at one. */
export function wholeVectors(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16)
}
