/**
 * Requires numbers that can be compared: with NaN, the search for slabs would never end.
 *
 * @throws Error naming the option
 */
export function requireSensible(
  storage: unknown,
  numbers: Readonly<Record<'memoryLimit' | 'memoryTarget' | 'slabPlanes', number | undefined>>,
): void {
  for (const [name, value] of Object.entries(numbers)) {
    const [kind, least] = name === 'slabPlanes' ? ['whole number', 1] : ['number', 0]
    const fits = least === 1 ? Number.isInteger(value) : typeof value === 'number'
    if (value === undefined || (fits && value >= least)) continue
    throw new Error(`compile: ${name} must be a ${kind} of at least ${least}, not ${String(value)}`)
  }
  if (storage !== 'f32' && storage !== 'f16')
    throw new Error(`compile: storage must be f32 or f16, not ${String(storage)}`)
}
