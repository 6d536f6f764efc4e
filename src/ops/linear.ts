import type { KernelCall } from '../graph/node.js'
import { op } from '../graph/op.js'
import type { Shape, Value } from '../graph/value.js'
import { whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { shown } from './shared/requirements.js'
import { sumAxes } from './sum-axes.js'

/**
 * input weight^T + bias, as `torch.nn.functional.linear`.
 *
 * @param input flat, [.., inputs]
 * @param weight [outputs, inputs]
 * @param bias [outputs]
 * @returns flat, [.., outputs]
 * @throws Error if shapes do not fit each other, or the input is a volume
 */
export function linear(input: Value, weight: Value, bias?: Value): Value {
  const inputs = input.shape.at(-1)!
  const [outputs] = weight.shape as [number]
  if (input.layout !== 'flat')
    throw new Error(`linear: ${input.name} [${input.shape.join(', ')}] is a volume, not flat`)
  if (weight.shape.length !== 2) {
    throw new Error(`linear: weight must be [outputs, inputs], not ${shown(weight)}`)
  }
  if (weight.shape[1] !== inputs)
    throw new Error(
      `linear: weight ${shown(weight)} reads ${weight.shape[1]} numbers, input ${shown(input)} has ${inputs}`,
    )
  if (bias && bias.size !== outputs)
    throw new Error(
      `linear: bias ${shown(bias)} has ${bias.size} numbers, weight ${shown(weight)} makes ${outputs}`,
    )

  const rows = input.size / inputs
  // Rows of each matrix, and of its transpose.
  const [x, w] = [matrix(input, rows, inputs), matrix(weight, outputs, inputs)]
  return op({
    name: 'linear',
    inputs: { input, weight, bias },
    output: { shape: [...input.shape.slice(0, -1), outputs], layout: 'flat' },
    emit: (output) => [multiply(x, transposed(w), output, bias)],
    backward: (gradOutput) => {
      const g = matrix(gradOutput, rows, outputs)
      const leading = [...input.shape.slice(0, -1).map(() => 1), outputs]
      return {
        input: product('linear backward input', g, w, input.shape),
        weight: product('linear backward weight', transposed(g), x, weight.shape, weight),
        bias:
          bias && sumAxes('linear backward bias', gradOutput, leading, { shape: bias.shape, layout: 'flat' }),
      }
    },
  })
}

/** A flat value read as rows and columns, with the stride of each. */
interface Matrix {
  readonly value: Value
  readonly rows: number
  readonly columns: number
  readonly row: number
  readonly column: number
}

function matrix(value: Value, rows: number, columns: number): Matrix {
  return { value, rows, columns, row: columns, column: 1 }
}

function transposed({ value, rows, columns, row, column }: Matrix): Matrix {
  return { value, rows: columns, columns: rows, row: column, column: row }
}

function product(name: string, a: Matrix, b: Matrix, shape: Shape, parameter?: Value): Value {
  return op({
    name,
    inputs: { a: a.value, b: b.value },
    output: { shape, layout: 'flat' },
    parameter,
    emit: (output) => [multiply(a, b, output)],
  })
}

function multiply(a: Matrix, b: Matrix, output: Value, bias?: Value): KernelCall {
  return {
    shader: shaders.linearMultiply,
    flags: { BIAS: bias !== undefined },
    params: {
      rows: a.rows,
      columns: b.columns,
      depth: a.columns,
      a_row: a.row,
      a_step: a.column,
      b_step: b.row,
      b_column: b.column,
    },
    bindings: {
      a: whole(a.value),
      b: whole(b.value),
      output: whole(output),
      ...(bias ? { bias: whole(bias) } : {}),
    },
    threads: [b.columns, a.rows],
  }
}
