import { UserError } from '../errors.js'
import type { Gpu } from './gpu.js'

/** Submitted work and its validation. */
export interface Guarded<T> {
  readonly value: T
  /** Resolves once the device has validated the work; rejects with what is wrong. Never an unhandled rejection. */
  readonly checked: Promise<void>
}

/**
 * Runs `body`, which submits work without waiting for it, and catches the errors of that work alone.
 *
 * @param what starts the message
 */
export function guarded<T>(gpu: Gpu, what: string, body: () => T): Guarded<T> {
  const { device } = gpu
  for (const filter of ['validation', 'internal', 'out-of-memory'] as const) device.pushErrorScope(filter)
  let value: T
  let answers: Promise<readonly (GPUError | null)[]>
  try {
    value = body()
  } finally {
    const pop = () => device.popErrorScope().catch(() => null) // a lost device reports that elsewhere
    answers = gpu.wait(Promise.all([pop(), pop(), pop()]))
  }
  const checked = answers.then(([shortage, internal, invalid]) => {
    if (shortage)
      throw new UserError(
        `${what}: ${gpu.adapter.name} is out of memory; close other programs that use it, or use smaller volumes or batches`,
      )
    const error = internal ?? invalid
    if (error) throw new Error(`${what}: GPU error: ${firstLine(error.message)}`, { cause: error.message })
  })
  checked.catch(() => undefined)
  return { value, checked }
}

/** The first line of a message: drivers append a page of context. */
export function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]!
}
