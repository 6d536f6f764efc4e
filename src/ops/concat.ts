import { op } from '../graph/op.js'
import type { Value } from '../graph/value.js'
import { axisOf, stridesOf } from './shared/axes.js'
import { concatChannels } from './shared/concat-channels.js'
import { shown } from './shared/requirements.js'
import { stridedWork } from './shared/strided.js'
import { sliced } from './slice.js'

/**
 * Concatenation along an axis, as `torch.cat(inputs, axis)`.
 *
 * @param inputs all volumes or all flat, with shapes that differ along the axis only
 * @param axis negative to count from the last one. Default 1, the channels of volumes
 * @throws Error if another extent differs, or layouts or types do
 */
export function concat(inputs: readonly Value[], axis = 1): Value {
  const [first] = inputs
  if (!first) throw new Error('concat: nothing to concatenate')
  const along = axisOf('concat', first, axis)
  const { layout, dtype } = first
  for (const value of inputs) {
    const { shape } = value
    if (
      shape.length !== first.shape.length ||
      shape.some((extent, i) => i !== along && extent !== first.shape[i])
    )
      throw new Error(`concat: ${shown(first)} and ${shown(value)} differ in more than axis ${along}`)
    if (value.layout !== layout || value.dtype !== dtype)
      throw new Error(
        `concat: ${shown(first)} is ${dtype} (${layout}), ${shown(value)} is ${value.dtype} (${value.layout})`,
      )
  }
  if (along === 1 && layout === 'volume' && dtype === 'f32') return concatChannels(inputs)
  const named = inputs.map((value, i) => [`input${i}`, value] as const)
  const starts: number[] = []
  let total = 0
  for (const { shape } of inputs) {
    starts.push(total)
    total += shape[along]!
  }
  const shape = first.shape.map((extent, i) => (i === along ? total : extent))
  const pieces = inputs.map((input, k) => {
    const strides = stridesOf(input)
    const axes = input.shape.map((extent, i) => ({
      extent,
      start: i === along ? starts[k]! : 0,
      stride: strides[i]!,
    }))
    return { input, axes }
  })
  return op({
    name: 'concat',
    inputs: Object.fromEntries(named),
    output: { shape, layout, dtype },
    ...stridedWork('concat', pieces, { shape, layout }),
    backward: (gradOutput) =>
      Object.fromEntries(
        named.map(([name, value], k) => [
          name,
          sliced(
            'concat backward',
            gradOutput,
            value.shape.map((count, i) => ({ first: i === along ? starts[k]! : 0, step: 1, count })),
          ),
        ]),
      ),
  })
}
