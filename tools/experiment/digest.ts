import { createHash } from 'node:crypto'

type Hashed = Float32Array | Uint8Array | string

/** SHA-256 of arrays and texts, each with its length, in hexadecimal. */
export function digestOf(...parts: readonly Hashed[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    const bytes =
      typeof part === 'string'
        ? Buffer.from(part)
        : new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return hash.digest('hex')
}

/** JSON whose keys are sorted, so that equal values have equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** A seed for a random generator from texts and numbers. */
export function seedOf(...parts: readonly (string | number)[]): number {
  return Number.parseInt(digestOf(...parts.map(String)).slice(0, 8), 16)
}
