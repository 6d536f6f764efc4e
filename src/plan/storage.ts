import { bindingAlignment } from '../gpu/alignment.js'
import { storedBindings } from '../gpu/shader.js'
import type { KernelCall, OpNode } from '../graph/node.js'
import type { DeviceTraits } from '../gpu/traits.js'
import type { Value } from '../graph/value.js'

/** The storage type of the volumes that a plan computes. Arithmetic is always f32. */
export type Precision = 'f32' | 'f16'

/** How the values of a plan are stored on the device: some as f16, the others with four bytes per element. */
export class Stored {
  constructor(private readonly halves: ReadonlySet<Value>) {}

  isHalf(value: Value): boolean {
    return this.halves.has(value)
  }

  elementBytes(value: Value): 2 | 4 {
    return this.isHalf(value) ? 2 : 4
  }

  bytes(value: Value): number {
    return value.size * this.elementBytes(value)
  }

  /** The bindings of a call whose values are stored as f16. */
  halvesOf({ bindings }: KernelCall): string[] {
    return Object.keys(bindings).filter((name) => this.isHalf(bindings[name]!.value))
  }

  /** A binding of the value must start at a multiple of this many elements. */
  alignment(value: Value): number {
    return bindingAlignment / this.elementBytes(value)
  }
}

/** Everything as f32 or u32. */
export const inFull = new Stored(new Set())

/**
 * Stores computed volumes as f16, unless they are kept for the caller, need the range of f32, or are read or written by
 * a kernel that accepts only f32.
 */
export function inHalf(nodes: readonly OpNode[], kept: ReadonlySet<Value>, device: DeviceTraits): Stored {
  const halves = new Set(
    nodes
      .flatMap(({ outputs, scratch }) => [...outputs, ...scratch])
      .filter(
        (value) => value.layout === 'volume' && value.dtype === 'f32' && !value.wide && !kept.has(value),
      ),
  )
  for (const { shader, bindings } of nodes.flatMap((node) => node.emit(device))) {
    const either = storedBindings(shader)
    for (const [name, { value }] of Object.entries(bindings)) if (!either.has(name)) halves.delete(value)
  }
  return new Stored(halves)
}
