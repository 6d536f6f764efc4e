import type { Value } from '../../src/graph/value.js'

/** How to build one operation of a golden `ops` file from its inputs. */
export interface Builder {
  /** Matches the operation's name. */
  readonly name: RegExp
  /** Fields whose gradients the file holds as `g<field>`. */
  readonly wanted: readonly string[]
  readonly build: (values: Readonly<Record<string, Value>>, name: string) => Value
  /** What the file's input is multiplied by before the operation. Default 1. */
  readonly scale?: number
}
