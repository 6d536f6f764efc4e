import type { Layout, Shape, Value } from '../graph/value.js'
import { stridesOf, type Form } from './shared/axes.js'
import { shown } from './shared/requirements.js'
import { stridedCopy } from './shared/strided.js'

/** How `reshape` lays out its result. */
export interface ReshapeOptions {
  /** Default: `volume` for five extents, `flat` for all others, as for `input`. */
  readonly layout?: Layout
}

/**
 * The same elements in another shape, as `torch.reshape`. Their order is row-major in both shapes, [N, C, D, H, W] for a
 * volume, so that it also turns volumes into flat values, and flat values into volumes. It is a copy.
 *
 * @param shape the wanted extents, of which one may be -1: whatever is left
 * @returns `input` itself if nothing changes
 * @throws Error if the shape has another number of elements
 */
export function reshape(input: Value, shape: Shape, options: ReshapeOptions = {}): Value {
  const to = resolved(input, shape)
  const { layout = to.length === 5 ? 'volume' : 'flat' } = options
  if (layout === 'volume' && to.length !== 5)
    throw new Error(`reshape: a volume has five extents, not [${to.join(', ')}]`)
  return reshaped('reshape', input, { shape: to, layout })
}

function reshaped(name: string, input: Value, output: Form): Value {
  const { shape, layout } = input
  if (output.layout === layout && output.shape.join() === shape.join()) return input
  // The copy walks the axes of one of the two, in whose order the other must be stored.
  const byOutput = isRowMajor(input)
  if (!byOutput && !isRowMajor(output))
    return reshaped(name, reshaped(name, input, { shape: [input.size], layout: 'flat' }), output)
  const axes = byOutput ? output.shape : shape.slice(shape[0] === 1 ? 1 : 0)
  const strides = stridesOf(byOutput ? { shape: axes, layout: 'flat' } : input).slice(-axes.length)
  return stridedCopy({
    name,
    input,
    axes: axes.map((extent, axis) => ({ extent, stride: strides[axis]! })),
    output,
    view: byOutput ? output : { shape: axes, layout: 'flat' },
    gradient: (gradOutput) => reshaped('reshape backward', gradOutput, { shape, layout }),
  })
}

/** Whether a form is stored in the order of its axes. */
function isRowMajor({ shape, layout }: Form): boolean {
  return layout === 'flat' || shape[1] === 1 || shape[2] === 1
}

function resolved(input: Value, shape: Shape): Shape {
  const known = shape.reduce((product, extent) => product * (extent === -1 ? 1 : extent), 1)
  const open = shape.filter((extent) => extent === -1).length
  const to = open === 1 ? shape.map((extent) => (extent === -1 ? input.size / known : extent)) : shape
  const size = to.reduce((product, extent) => product * extent, 1)
  if (to.length === 0 || to.some((extent) => !Number.isInteger(extent) || extent < 1) || size !== input.size)
    throw new Error(
      `reshape: ${shown(input)} has ${input.size} elements, which do not fill [${shape.join(', ')}]`,
    )
  return to
}
