import { op } from '../graph/op.js'
import type { Shape, Value } from '../graph/value.js'
import { expand } from './expand.js'
import { matrix, multiply, product, transposed } from './shared/matrix.js'
import { broadcastShape, requireNumbers } from './shared/broadcast.js'
import { shown } from './shared/requirements.js'
import { sumAxes } from './sum-axes.js'

/**
 * Products of matrices, as `torch.matmul` of operands with at least two axes: all but the last two axes count the matrices of
 * a batch, and are broadcast. A batch that all matrices of the other operand share is not copied; any other repetition is.
 *
 * @param a flat, [.., M, K]
 * @param b flat, [.., K, N]
 * @returns flat, [.., M, N]
 * @throws Error if shapes do not fit each other, or an operand is a volume
 */
export function matmul(a: Value, b: Value): Value {
  for (const [operand, value] of Object.entries({ a, b })) {
    requireNumbers('matmul', value, operand)
    if (value.layout !== 'flat' || value.shape.length < 2)
      throw new Error(`matmul: ${shown(value)} (${value.layout}) must be flat, of at least two axes`)
  }
  const [rows, depth] = a.shape.slice(-2) as [number, number]
  const [depthOfB, columns] = b.shape.slice(-2) as [number, number]
  const batch = depth === depthOfB ? broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)) : undefined
  if (!batch) throw new Error(`matmul: ${shown(a)} and ${shown(b)} cannot be multiplied`)
  return multiplied(
    repeated(a, batch, rows * depth),
    repeated(b, batch, depth * columns),
    [rows, depth, columns],
    [...batch, rows, columns],
  )
}

function multiplied(
  a: Value,
  b: Value,
  [rows, depth, columns]: readonly [number, number, number],
  shape: Shape,
): Value {
  // Of a matrix b that all batches share, their matrices a are one above the other.
  const height = b.size === depth * columns ? a.size / depth : rows
  const [left, right] = [matrix(a, height, depth), matrix(b, depth, columns)]
  const matrices = b.size / (depth * columns)
  const sharesA = matrices > 1 && a.size === rows * depth
  return op({
    name: 'matmul',
    inputs: { a, b },
    output: { shape, layout: 'flat' },
    emit: (output, device) => [multiply(left, right, output, device)],
    backward: (gradOutput) => {
      const grad = matrix(gradOutput, height, columns)
      const gradA = (to: Shape) => product('matmul backward a', grad, transposed(right), to)
      return {
        a: sharesA ? sumOfBatches(gradA([matrices, rows, depth]), a) : gradA(a.shape),
        b: product('matmul backward b', transposed(left), grad, b.shape),
      }
    },
  })
}

/** The gradient of a matrix that all batches share. */
function sumOfBatches(gradients: Value, shared: Value): Value {
  return sumAxes('matmul backward a', gradients, [1, ...gradients.shape.slice(1)], shared)
}

/** An operand with as many matrices as the batch has, or with a single one. */
function repeated(value: Value, batch: Shape, size: number): Value {
  const matrices = value.size / size
  const all = batch.reduce((product, extent) => product * extent, 1)
  return matrices === 1 || matrices === all ? value : expand(value, [...batch, ...value.shape.slice(-2)])
}
