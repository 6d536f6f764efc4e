import type { Draw } from './mutate.js'

/** A kind of file: how to make a damaged or hostile one, and what reads it. */
export interface Format {
  /** A file that is mostly right. */
  readonly make: (draw: Draw) => Uint8Array
  /** @throws UserError, and nothing else */
  readonly read: (bytes: Uint8Array) => void
}

/** Formats by name. */
export type Formats = Readonly<Record<string, Format>>
