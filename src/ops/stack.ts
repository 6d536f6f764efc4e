import type { Value } from '../graph/value.js'
import { concat } from './concat.js'
import { reshape } from './reshape.js'
import { axisOf } from './shared/axes.js'

/**
 * Joins flat values along a new axis, as `torch.stack`.
 *
 * @param inputs of one shape
 * @param axis of the result; negative to count from its last one. Default 0
 * @throws Error if there is nothing to stack, an input is a volume, or shapes differ
 */
export function stack(inputs: readonly Value[], axis = 0): Value {
  const [first] = inputs
  if (!first) throw new Error('stack: nothing to stack')
  const along = axisOf('stack', { name: first.name, shape: [inputs.length, ...first.shape] }, axis)
  for (const { name, shape, layout } of inputs) {
    if (layout === 'volume' || shape.join() !== first.shape.join())
      throw new Error(
        `stack: ${first.name} [${first.shape.join(', ')}] and ${name} [${shape.join(', ')}] (${layout}) must be flat, of one shape`,
      )
  }
  const shape = [...first.shape.slice(0, along), 1, ...first.shape.slice(along)]
  return concat(
    inputs.map((value) => reshape(value, shape, { layout: 'flat' })),
    along,
  )
}
