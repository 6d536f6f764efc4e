import type { OpNode } from '../../src/graph/node.js'
import { input, type Value } from '../../src/graph/value.js'

/** One op at one shape: the graph of its forward and backward pass. */
export interface Case {
  readonly op: string
  readonly shape: string
  /** Volumes are filled with numbers in (0, 1). */
  readonly build: () => { output: Value; wanted: readonly Value[] } | { effects: OpNode[] }
  /** Work of each reported node, by the node's name: operations, and the least bytes to read and write. */
  readonly work: Readonly<Record<string, { flops: number; bytes: number }>>
}

export type Extents = readonly [number, number, number]

/** Half the full scale along each axis. */
export const half: Extents = [80, 96, 112]

/** An op over one volume, with the least passes over memory that its nodes need. */
export function pointwise(
  op: string,
  channels: number,
  extents: Extents,
  build: (x: Value, other: Value) => Value,
  passes: Readonly<Record<string, number>>,
): Case {
  const elements = channels * extents.reduce((a, b) => a * b)
  return {
    op,
    shape: `${channels} x ${extents.join('x')}`,
    build: () => {
      const x = input('x', [1, channels, ...extents])
      return { output: build(x, input('other', [1, channels, ...extents])), wanted: [x] }
    },
    work: Object.fromEntries(
      Object.entries(passes).map(([node, count]) => [node, { flops: 0, bytes: 4 * elements * count }]),
    ),
  }
}

/** Numbers in (0, scale), the same each time; a different phase gives unrelated numbers. */
export function numbers(count: number, scale: number, phase = 0): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => scale * (0.5 + 0.499 * Math.sin((i + phase) * (12.9898 + phase))),
  )
}
