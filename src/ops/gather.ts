import { op } from '../graph/op.js'
import type { Value } from '../graph/value.js'
import { whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { axisOf } from './shared/axes.js'
import { requireNumbers } from './shared/broadcast.js'
import { batches, linesAlong } from './shared/lines.js'
import { shown } from './shared/requirements.js'

/** The bits of a NaN. */
const notANumber = 0x7fc00000

/**
 * Takes positions along an axis, as `torch.index_select` and ONNX's Gather: for axis 0 of a table [entries, width], the
 * rows of an embedding.
 *
 * @param indices u32, flat, of any shape. One that names no position gives NaN, and is an error if it is a constant
 * @param axis negative to count from the last one. Default 0
 * @returns the shape of the input, with that of the indices in place of the axis: a volume if the input is one, which needs
 *   indices of one axis, else flat. Its gradient adds in the order of the indices, so that it has the same bits in every run
 * @throws Error if there is no such axis, or the indices are not valid
 */
export function gather(input: Value, indices: Value, axis = 0): Value {
  const along = axisOf('gather', input, axis)
  requireNumbers('gather', input)
  requireIndices(input, indices, along)
  const { shape, layout } = input
  const lines = linesAlong('gather', input, along)
  const { length, inner, planes } = lines
  const taken = indices.size
  return op({
    name: 'gather',
    inputs: { input, indices },
    output: { shape: [...shape.slice(0, along), ...indices.shape, ...shape.slice(along + 1)], layout },
    planes,
    emit: (output, device, slab) =>
      batches(lines, { input, output }, device, slab).map(({ first, end, windows }) => {
        const count = (end - first) * taken
        return {
          shader: shaders.gatherForward,
          params: { length, taken, inner, first: first * taken, count, missing: notANumber },
          bindings: { ...windows, indices: whole(indices) },
          threads: [count],
        }
      }),
    backward: (gradOutput) => {
      const links = linksOf(indices, length)
      const gradInput = op({
        name: 'gather backward',
        inputs: { gradOutput, links },
        output: { shape, layout },
        planes,
        emit: (output, device, slab) =>
          batches(lines, { grad_output: gradOutput, grad_input: output }, device, slab).map(
            ({ first, end, windows }) => {
              const count = (end - first) * length
              return {
                shader: shaders.gatherBackward,
                params: { length, taken, inner, first: first * length, count },
                bindings: { ...windows, links: whole(links) },
                threads: [count],
              }
            },
          ),
      })
      return { input: gradInput }
    },
  })
}

/** For each position the indices that name it, as lists. */
function linksOf(indices: Value, length: number): Value {
  const links = length + indices.size
  return op({
    name: 'gather backward links',
    inputs: { indices },
    output: { shape: [links], dtype: 'u32', layout: 'flat' },
    emit: (output) => [
      {
        shader: shaders.gatherLinks,
        params: { length, taken: indices.size },
        bindings: { indices: whole(indices), links: whole(output) },
        threads: [links],
      },
    ],
  })
}

function requireIndices(input: Value, indices: Value, axis: number): void {
  if (indices.dtype !== 'u32' || indices.layout !== 'flat')
    throw new Error(
      `gather: indices must be flat u32, but ${shown(indices)} is ${indices.dtype} (${indices.layout})`,
    )
  if (input.layout === 'volume' && indices.shape.length !== 1)
    throw new Error(`gather: indices into a volume must be of one axis, not ${shown(indices)}`)
  const length = input.shape[axis]!
  const beyond = indices.initial?.find((index) => index >= length)
  if (beyond !== undefined)
    throw new Error(
      `gather: ${indices.name} holds ${beyond}, but axis ${axis} of ${shown(input)} ends at ${length - 1}`,
    )
}
