import type { KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import type { Shape, Value } from '../../graph/value.js'
import { whole } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { broadcastLanes, lanesOf } from './lanes.js'
import { unrollProduct } from './unroll-product.js'

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
    emit: (output, device) => [multiply(a, b, output, device)],
  })
}

type Device = Pick<DeviceTraits, 'software' | 'subgroupSize'>

/** The dispatch of output = a b + bias, for as many batches as fill the output. */
export function multiply(a: Matrix, b: Matrix, output: Value, device: Device, bias?: Value): KernelCall {
  const longer = Math.max(a.rows, b.columns)
  return broadcastLanes(device) > 0 && longer >= fewestBroadcast
    ? multiplyByBroadcast(a, b, output, device, bias)
    : multiplyInBlocks(a, b, output, bias)
}

/** Rows or columns of a block in which each invocation computes 4x4 numbers, and the fewest that are worth it. */
const [tiledBlock, fewestTiled] = [32, 16]

function multiplyInBlocks(a: Matrix, b: Matrix, output: Value, bias: Value | undefined): KernelCall {
  const { rows } = a
  const { columns } = b
  const batches = batchesOf(a, b, output)
  const tiled = Math.min(rows, columns) >= fewestTiled
  const block = tiled ? tiledBlock : 8
  return {
    shader: shaders.matmulMultiply,
    flags: { BIAS: bias !== undefined, TILED: tiled },
    params: paramsOf(a, b, batches),
    bindings: bindingsOf(a, b, output, bias),
    workgroups: [Math.ceil(columns / block), batches * Math.ceil(rows / block)],
  }
}

/** From as many rows or columns on, the kernel without workgroup memory is worth it on a driver that computes on the CPU. */
const fewestBroadcast = 64

function multiplyByBroadcast(
  a: Matrix,
  b: Matrix,
  output: Value,
  device: Device,
  bias: Value | undefined,
): KernelCall {
  const batches = batchesOf(a, b, output)
  // Lanes run along the longer side: the product or its transpose.
  const wide = b.columns >= a.rows
  const [left, right] = wide ? [a, b] : [transposed(b), transposed(a)]
  const tile = {
    rows: left.rows >= 8 ? 16 : 4,
    columns: 8,
    vector: right.column === 1 && [right.row, right.batch, right.columns].every((stride) => stride % 4 === 0),
    subgroup: broadcastLanes(device),
  }
  const lanes = lanesOf(device)
  const flag = (value: boolean) => (value ? 1 : 0)
  return {
    shader: shaders.matmulBroadcast,
    flags: { BIAS: bias !== undefined, VECTOR: tile.vector },
    consts: { LANES: lanes, ROWS: tile.rows, COLUMNS: tile.columns },
    generated: unrollProduct(tile),
    params: {
      ...paramsOf(left, right, batches),
      output_row: wide ? b.columns : 1,
      output_column: wide ? 1 : b.columns,
      ...(bias ? { bias_row: flag(!wide), bias_column: flag(wide) } : {}),
    },
    bindings: bindingsOf(left, right, output, bias),
    workgroups: [
      Math.ceil(right.columns / (lanes * tile.columns)),
      batches * Math.ceil(left.rows / tile.rows),
    ],
  }
}

function batchesOf({ rows }: Matrix, { columns }: Matrix, output: Value): number {
  return output.size / (rows * columns)
}

function paramsOf(a: Matrix, b: Matrix, batches: number): Record<string, number> {
  return {
    ...{ rows: a.rows, columns: b.columns, depth: a.columns, batches },
    ...{ a_batch: a.batch, a_row: a.row, a_step: a.column },
    ...{ b_batch: b.batch, b_step: b.row, b_column: b.column },
  }
}

function bindingsOf(a: Matrix, b: Matrix, output: Value, bias: Value | undefined): KernelCall['bindings'] {
  return {
    a: whole(a.value),
    b: whole(b.value),
    output: whole(output),
    ...(bias ? { bias: whole(bias) } : {}),
  }
}
