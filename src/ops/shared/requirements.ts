import { requireValue, type Value } from '../../graph/value.js'

/** A value with its shape, for messages: `w [4, 2, 3, 3, 3]`. */
export function shown({ name, shape }: Value): string {
  return `${name} [${shape.join(', ')}]`
}

/**
 * Requires a convolution's weight, stored flat: with `axes` kernel extents, or with none for a kernel of one voxel.
 *
 * @param extents the expected shape, for the message
 * @param axes number of axes of the kernel
 * @throws Error if it has another number of extents, or is laid out as a volume
 */
export function requireWeight(op: string, weight: Value, extents: string, axes = 3): void {
  requireValue(`${op}: weight`, weight)
  if (![2, 2 + axes].includes(weight.shape.length))
    throw new Error(`${op}: weight must be ${extents}, not ${shown(weight)}`)
  requireFlat(op, 'weight', weight)
}

/** Requires a bias of `outputs` numbers, stored flat, if there is one. @throws Error if it is not */
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

/** Requires an activation that a kernel can apply to its result. @throws Error if it is no key of `known` */
export function requireActivation(op: string, activation: string, known: object): void {
  if (!Object.hasOwn(known, activation)) throw new Error(`${op}: there is no activation ${activation}`)
}

/** Requires the counter of a noise. @throws Error if it is not two u32 */
export function requireCounter(op: string, counter: Value): void {
  if (counter.dtype !== 'u32' || counter.size !== 2)
    throw new Error(`${op}: the counter must be two u32: seed, step`)
}

/** Requires the number of one of a counter's independent noises. @throws Error if it is not a whole number in 0..65535 */
export function requireStream(op: string, stream: number): void {
  if (!Number.isInteger(stream) || stream < 0 || stream > 0xffff)
    throw new Error(`${op}: the stream must be a whole number below 65536, not ${stream}`)
}
