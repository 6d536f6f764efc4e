import type { Value } from '../../graph/value.js'

/** A value with its shape, for messages: `w [4, 2, 3, 3, 3]`. */
export function shown({ name, shape }: Value): string {
  return `${name} [${shape.join(', ')}]`
}

/**
 * Requires a convolution's weight: five extents, or two for a kernel of one voxel, stored flat.
 *
 * @param extents what it must be, for the message
 * @throws Error saying how to make a flat one, if it is a volume
 */
export function requireWeight(op: string, weight: Value, extents: string): void {
  if (![2, 5].includes(weight.shape.length))
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
