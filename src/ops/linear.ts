import { op } from '../graph/op.js'
import type { Value } from '../graph/value.js'
import { matrix, multiply, product, transposed } from './shared/matrix.js'
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
    emit: (output, device) => [multiply(x, transposed(w), output, device, bias)],
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
