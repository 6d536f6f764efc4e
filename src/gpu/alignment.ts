/** Storage and uniform bindings start at multiples of this many bytes on every WebGPU device. */
export const bindingAlignment = 256

/** Bytes rounded up to whole vec4s: kernels read and write vec4s, so buffers and bindings end on one. */
export function wholeVectors(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16)
}
