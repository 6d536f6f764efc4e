import type { Shape, Value } from '../graph/value.js'
import { stridesOf } from './shared/axes.js'
import { shown } from './shared/requirements.js'
import { stridedCopy } from './shared/strided.js'
import { sumAxes } from './sum-axes.js'

/**
 * Repeats a value along axes of extent 1, as `torch.Tensor.expand`. Arithmetic needs no such copy: it broadcasts.
 *
 * @param shape the wanted extents; axes are matched from the last one, and new ones may come first
 * @returns a volume if the input is one, else flat; `input` itself if nothing changes
 * @throws Error if another extent than 1 would change, or a volume would get more axes
 */
export function expand(input: Value, shape: Shape): Value {
  const { layout } = input
  const added = shape.length - input.shape.length
  const of = [...Array<number>(Math.max(0, added)).fill(1), ...input.shape]
  if (
    added < 0 ||
    (layout === 'volume' && added > 0) ||
    of.some((extent, axis) => extent !== 1 && extent !== shape[axis])
  )
    throw new Error(`expand: ${shown(input)} cannot be repeated to [${shape.join(', ')}]`)
  if (shape.join() === input.shape.join()) return input
  const strides = stridesOf({ shape: of, layout })
  return stridedCopy({
    name: 'expand',
    input,
    axes: shape.map((extent, axis) => ({ extent, stride: of[axis] === 1 ? 0 : strides[axis]! })),
    output: { shape, layout },
    gradient: (gradOutput) => sumAxes('expand backward', gradOutput, of, input),
  })
}
