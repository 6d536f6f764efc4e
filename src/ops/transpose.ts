import type { Value } from '../graph/value.js'
import { axisOf, stridesOf } from './shared/axes.js'
import { shown } from './shared/requirements.js'
import { stridedCopy } from './shared/strided.js'

/**
 * The axes in another order, as `numpy.transpose` and `torch.permute`: axis i of the result is axis `axes[i]` of the input.
 *
 * @param axes every axis of the input once; negative ones count from the last. Default: in reverse order
 * @returns a volume if the input is one, else flat; `input` itself if nothing changes
 * @throws Error if an axis is missing, named twice or does not exist
 */
export function transpose(input: Value, axes: readonly number[] = [...input.shape.keys()].reverse()): Value {
  return permuted(
    'transpose',
    input,
    axes.map((axis) => axisOf('transpose', input, axis)),
  )
}

function permuted(name: string, input: Value, axes: readonly number[]): Value {
  const { shape, layout } = input
  if (new Set(axes).size !== shape.length || axes.length !== shape.length)
    throw new Error(`transpose: axes [${axes.join(', ')}] must name every axis of ${shown(input)} once`)
  if (axes.every((axis, i) => axis === i)) return input
  const strides = stridesOf(input)
  return stridedCopy({
    name,
    input,
    axes: axes.map((axis) => ({ extent: shape[axis]!, stride: strides[axis]! })),
    output: { shape: axes.map((axis) => shape[axis]!), layout },
    gradient: (gradOutput) =>
      permuted(
        'transpose backward',
        gradOutput,
        axes.map((_, axis) => axes.indexOf(axis)),
      ),
  })
}
