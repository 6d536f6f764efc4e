import type { KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import type { Shape, Value } from '../../graph/value.js'
import { whole } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'

/** A flat value read as a batch of matrices, with the stride of each axis. */
export interface Matrix {
  readonly value: Value
  readonly rows: number
  readonly columns: number
  /** From one row, column or matrix to the next; `batch` 0 if all batches share one. */
  readonly row: number
  readonly column: number
  readonly batch: number
}

/** A value read as successive matrices, or as a single one. */
export function matrix(value: Value, rows: number, columns: number): Matrix {
  const single = value.size === rows * columns
  return { value, rows, columns, row: columns, column: 1, batch: single ? 0 : rows * columns }
}

/** The same numbers with rows for columns, without a copy. */
export function transposed({ rows, columns, row, column, ...rest }: Matrix): Matrix {
  return { ...rest, rows: columns, columns: rows, row: column, column: row }
}

/** The node of a product, without a gradient. */
export function product(name: string, a: Matrix, b: Matrix, shape: Shape, parameter?: Value): Value {
  return op({
    name,
    inputs: { a: a.value, b: b.value },
    output: { shape, layout: 'flat' },
    parameter,
    emit: (output) => [multiply(a, b, output)],
  })
}

/** Rows or columns of a block in which each invocation computes 4x4 numbers, and the fewest that are worth it. */
const [tiledBlock, fewestTiled] = [32, 16]

/** The dispatch of output = a b + bias, for as many batches as fill the output. */
export function multiply(a: Matrix, b: Matrix, output: Value, bias?: Value): KernelCall {
  const { rows } = a
  const { columns } = b
  const batches = output.size / (rows * columns)
  const tiled = Math.min(rows, columns) >= fewestTiled
  const block = tiled ? tiledBlock : 8
  return {
    shader: shaders.matmulMultiply,
    flags: { BIAS: bias !== undefined, TILED: tiled },
    params: {
      rows,
      columns,
      depth: a.columns,
      batches,
      a_batch: a.batch,
      a_row: a.row,
      a_step: a.column,
      b_batch: b.batch,
      b_step: b.row,
      b_column: b.column,
    },
    bindings: {
      a: whole(a.value),
      b: whole(b.value),
      output: whole(output),
      ...(bias ? { bias: whole(bias) } : {}),
    },
    workgroups: [Math.ceil(columns / block), batches * Math.ceil(rows / block)],
  }
}
