/** One number per axis of a volume. */
export type Triple = readonly [depth: number, height: number, width: number]

/**
 * A setting of an op as one number per axis; a single number applies to all of them.
 *
 * @param what names op and setting in the message, as `conv3d: stride`
 * @throws Error if one is not a whole number or is below `least`
 */
export function triple(what: string, value: number | Triple, least: number): Triple {
  const numbers = typeof value === 'number' ? ([value, value, value] as const) : value
  if (numbers.some((n) => !Number.isInteger(n) || n < least)) {
    throw new Error(
      `${what} must be a whole number of at least ${least}, or three [d, h, w], not [${numbers.join(', ')}]`,
    )
  }
  return numbers
}

/** One result per axis. */
export function eachAxis(f: (axis: 0 | 1 | 2) => number): Triple {
  return [f(0), f(1), f(2)]
}

/** Parameters NAME_d, NAME_h, NAME_w of a kernel. */
export function spatialParams(name: string, [d, h, w]: Triple): Record<string, number> {
  return { [`${name}_d`]: d, [`${name}_h`]: h, [`${name}_w`]: w }
}
