import type { Value } from '../graph/value.js'
import { concat } from './concat.js'
import { expand } from './expand.js'
import { stridesOf } from './shared/axes.js'
import { shown } from './shared/requirements.js'
import { stridedCopy } from './shared/strided.js'
import { sliced } from './slice.js'

/** What `pad` puts around a value. */
export interface PadOptions {
  /**
   * `constant` (default): `value`; `edge`: the outermost elements (PyTorch's `replicate`); `reflect`: the elements
   * mirrored at the outermost ones, which are not repeated.
   */
  readonly mode?: 'constant' | 'edge' | 'reflect'
  /** For mode `constant`. Default 0. */
  readonly value?: number
}

/** Elements to add before the first and after the last one along an axis. */
export type Margin = readonly [before: number, after: number]

/**
 * Adds elements at both ends of some axes, as `numpy.pad`.
 *
 * @param margins those of the last axes of the shape, in their order: [D, H, W] if there are three for a volume. Whole
 *   numbers; with mode `constant`, negative ones crop
 * @returns a volume if the input is one, else flat; `input` itself if nothing changes
 * @throws Error if a margin is not valid for the mode, or nothing would be left
 */
export function pad(input: Value, margins: readonly Margin[], options: PadOptions = {}): Value {
  const { mode = 'constant', value = 0 } = options
  const all = marginsOf(input, margins, mode)
  if (mode === 'constant') return padded('pad', input, all, value)
  return all.reduce((padded, margin, axis) => extended(padded, axis, margin, mode), input)
}

function padded(name: string, input: Value, margins: readonly Margin[], fill: number): Value {
  const { shape, layout } = input
  if (margins.every(([before, after]) => before === 0 && after === 0)) return input
  const strides = stridesOf(input)
  return stridedCopy({
    name,
    input,
    axes: shape.map((length, axis) => {
      const [before, after] = margins[axis]!
      const gap = { low: before, spacing: 1, length }
      return {
        extent: length + before + after,
        stride: strides[axis]!,
        ...(before !== 0 || after !== 0 ? { gap } : {}),
      }
    }),
    output: { shape: shape.map((extent, axis) => extent + margins[axis]![0] + margins[axis]![1]), layout },
    fill,
    gradient: (gradOutput) =>
      padded(
        'pad backward',
        gradOutput,
        margins.map(([before, after]) => [0 - before, 0 - after]),
        0,
      ),
  })
}

/** The input between copies of its own elements. */
function extended(input: Value, axis: number, [before, after]: Margin, mode: 'edge' | 'reflect'): Value {
  const extent = input.shape[axis]!
  const part = (first: number, step: number, count: number) =>
    sliced(
      'pad',
      input,
      input.shape.map((n, i) => (i === axis ? { first, step, count } : { first: 0, step: 1, count: n })),
    )
  const side = (count: number, edge: number, farthest: number) => {
    if (count === 0) return []
    if (mode === 'reflect') return [part(farthest, -1, count)]
    return [
      expand(
        part(edge, 1, 1),
        input.shape.map((n, i) => (i === axis ? count : n)),
      ),
    ]
  }
  const parts = [...side(before, 0, before), input, ...side(after, extent - 1, extent - 2)]
  return parts.length > 1 ? concat(parts, axis) : input
}

function marginsOf(input: Value, margins: readonly Margin[], mode: string): readonly Margin[] {
  const { shape } = input
  if (margins.length > shape.length)
    throw new Error(`pad: margins of ${margins.length} axes, but ${shown(input)} has ${shape.length}`)
  if (!['constant', 'edge', 'reflect'].includes(mode))
    throw new Error(`pad: mode must be constant, edge or reflect, not ${mode}`)
  const all = [...Array<Margin>(shape.length - margins.length).fill([0, 0]), ...margins]
  all.forEach(([before, after], axis) => {
    const [extent, margin] = [
      shape[axis]!,
      `margins [${before}, ${after}] of axis ${axis} of ${shown(input)}`,
    ]
    const [least, most] = [Math.min(before, after), Math.max(before, after)]
    if (!Number.isInteger(before) || !Number.isInteger(after))
      throw new Error(`pad: ${margin} must be whole numbers`)
    if (mode !== 'constant' && least < 0)
      throw new Error(`pad: ${margin} must not be negative with mode ${mode}`)
    if (mode === 'reflect' && most >= extent)
      throw new Error(`pad: ${margin} reach beyond what can be reflected`)
    if (extent + before + after < 1) throw new Error(`pad: ${margin} leave nothing`)
  })
  return all
}
