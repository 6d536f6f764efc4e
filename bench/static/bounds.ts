import type { StaticDispatch } from './compile-kernels.js'
import { shareOf, type MachineCode } from './machine-code.js'

/** Public figures of a GPU: f32 operations and bytes of memory per second, at its boost clock. */
interface NamedGpu {
  readonly name: string
  readonly flops: number
  readonly bandwidth: number
}

/** From the vendors' data sheets; without tensor cores. */
export const namedGpus: readonly NamedGpu[] = [
  { name: 'Intel Iris Xe (96 EU)', flops: 2.1e12, bandwidth: 68e9 },
  { name: 'Apple M2 (10 cores)', flops: 3.6e12, bandwidth: 100e9 },
  { name: 'AMD RX 580', flops: 6.2e12, bandwidth: 256e9 },
  { name: 'NVIDIA RTX 3060', flops: 12.7e12, bandwidth: 360e9 },
  { name: 'Intel Arc A770', flops: 17.2e12, bandwidth: 560e9 },
  { name: 'NVIDIA RTX 4090', flops: 82.6e12, bandwidth: 1008e9 },
  { name: 'NVIDIA H200', flops: 67e12, bandwidth: 4800e9 },
]

/** Seconds that a dispatch takes at least. */
export interface Bound {
  readonly arithmetic: number
  readonly memory: number
}

/**
 * A bound from below. The arithmetic units take one vector instruction per lane and clock, a multiply-add being two
 * operations; a convolution issues its multiply-adds, wasted ones included, and the other instructions of its inner loop,
 * any other kernel each of its instructions once. Memory moves every byte once.
 */
export function boundOf(
  { products, invocations, bytes }: StaticDispatch,
  code: MachineCode,
  { flops, bandwidth }: NamedGpu,
): Bound {
  const share = code.loop ? shareOf(code.loop) : 1
  const issued = products && share > 0 ? products.computed / share : code.vector * invocations
  return { arithmetic: issued / (flops / 2), memory: bytes / bandwidth }
}
