import { UserError } from '../errors.js'
import type { Gpu } from './gpu.js'

/** Work that the device was given, and what it says of it. */
export interface Guarded<T> {
  readonly value: T
  /** Resolves once the device has looked at the work; rejects with what is wrong with it. Never an unhandled rejection. */
  readonly checked: Promise<void>
}

/**
 * Runs `body`, which gives the device work and waits for none of it, and keeps the errors of that work apart from those
 * of all other work: they end this piece of work, and no other.
 *
 * @param what opens the message
 */
export function guarded<T>(gpu: Gpu, what: string, body: () => T): Guarded<T> {
  const { device } = gpu
  for (const filter of ['validation', 'internal', 'out-of-memory'] as const) device.pushErrorScope(filter)
  let value: T
  let answers: Promise<readonly (GPUError | null)[]>
  try {
    value = body()
  } finally {
    const pop = () => device.popErrorScope().catch(() => null) // a device that is lost says so itself
    answers = gpu.wait(Promise.all([pop(), pop(), pop()]))
  }
  const checked = answers.then(([shortage, internal, invalid]) => {
    if (shortage)
      throw new UserError(
        `${what}: ${gpu.adapter.name} is out of memory; end other programs that use it, or use smaller volumes or batches`,
      )
    const error = internal ?? invalid
    if (error) throw new Error(`${what}: GPU error: ${firstLine(error.message)}`, { cause: error.message })
  })
  checked.catch(() => undefined)
  return { value, checked }
}

/** The first line of a message; drivers append a page of context. */
export function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]!
}
