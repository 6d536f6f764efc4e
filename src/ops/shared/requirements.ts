import type { Value } from '../../graph/value.js'

/** A value with its shape, for messages: `w [4, 2, 3, 3, 3]`. */
export function shown({ name, shape }: Value): string {
  return `${name} [${shape.join(', ')}]`
}

/**
 * Requires a convolution's weight: a kernel of as many axes, or none for one of one voxel, stored flat.
 *
 * @param extents what it must be, for the message
 * @param axes of the kernel
 * @throws Error saying how to make a flat one, if it is a volume
 */
export function requireWeight(op: string, weight: Value, extents: string, axes = 3): void {
  if (![2, 2 + axes].includes(weight.shape.length))
    throw new Error(`${op}: weight must be ${extents}, not ${shown(weight)}`)
  requireFlat(op, 'weight', weight)
}

/** Requires a bias of so many numbers, stored flat. @throws Error if it is another */
export function requireBias(op: string, bias: Value | undefined, outputs: number): void {
  if (!bias) return
  if (bias.size !== outputs) throw new Error(`${op}: bias must be [${outputs}], not ${shown(bias)}`)
  requireFlat(op, 'bias', bias)
}

function requireFlat(op: string, what: string, value: Value): void {
  if (value.layout === 'flat') return
  const make =
    value.role === 'input'
      ? `make it with input('${value.name}', [${value.shape.join(', ')}], { layout: 'flat' })`
      : 'parameter and constant make flat values'
  throw new Error(
    `${op}: ${what} ${shown(value)} is laid out as a volume, but a ${what} must be flat (row-major); ${make}`,
  )
}

/** Requires the counter of a noise. @throws Error if it is not two u32 */
export function requireCounter(op: string, counter: Value): void {
  if (counter.dtype !== 'u32' || counter.size !== 2)
    throw new Error(`${op}: the counter must be two u32: seed, step`)
}

/** Requires the number of one of the independent noises of a counter. @throws Error if it is none */
export function requireStream(op: string, stream: number): void {
  if (!Number.isInteger(stream) || stream < 0 || stream > 0xffff)
    throw new Error(`${op}: the stream must be a whole number below 65536, not ${stream}`)
}
