import type { Value } from '../graph/value.js'
import { axisOf } from './shared/axes.js'
import { shown } from './shared/requirements.js'
import { sliced } from './slice.js'

/**
 * Cuts a value into parts along an axis, as `torch.split`. `concat` joins them again.
 *
 * @param sizes extents of the parts, or of each of them: the last is smaller if they do not fill the axis
 * @param axis negative to count from the last one. Default 1, the channels of volumes
 * @returns volumes if the input is one, else flat values
 * @throws Error if the sizes do not fill the axis
 */
export function split(input: Value, sizes: number | readonly number[], axis = 1): Value[] {
  const along = axisOf('split', input, axis)
  const extent = input.shape[along]!
  const parts = typeof sizes === 'number' ? equalParts(extent, sizes) : sizes
  if (
    parts.some((size) => !Number.isInteger(size) || size < 1) ||
    parts.reduce((sum, size) => sum + size, 0) !== extent
  )
    throw new Error(`split: parts of [${parts.join(', ')}] do not fill axis ${along} of ${shown(input)}`)
  let first = 0
  return parts.map((size) => {
    const ranges = input.shape.map((count, i) => ({
      first: i === along ? first : 0,
      step: 1,
      count: i === along ? size : count,
    }))
    first += size
    return sliced('split', input, ranges)
  })
}

function equalParts(extent: number, size: number): number[] {
  if (!Number.isInteger(size) || size < 1) return [size]
  return Array.from({ length: Math.ceil(extent / size) }, (_, i) => Math.min(size, extent - i * size))
}
