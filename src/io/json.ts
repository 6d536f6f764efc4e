/** What JSON holds, checked before it is believed. */

/** The object that a text or its bytes describe; undefined if it is not JSON, or another value. */
export function parseRecord(text: string | Uint8Array): Record<string, unknown> | undefined {
  try {
    const decoded = typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text)
    const value: unknown = JSON.parse(decoded)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** Whether it is a whole number of at least 0 that is kept exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
