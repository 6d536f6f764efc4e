import { concat, expand, reshape, transpose, type ReshapeOptions } from '../ops/index.js'
import type { Value } from '../graph/value.js'
import type { Call, Operator } from './call.js'
import { isNoSetting } from './elementwise.js'
import { broadcastOf, spread } from './known.js'
import { asFlat, isKnown, tensorOf, volumeAxis, volumeDims } from './tensor.js'

/** A tensor is put beside itself at most so many times: each is an operand of an op. */
const mostRepeats = 256

/** Operations that repeat numbers, or move them between channels and space. */
export const copies: Readonly<Record<string, Operator>> = {
  Expand: {
    weights: [0],
    isWeight: isNoSetting,
    build: (call) => {
      const x = call.input(0)
      const wanted = call.numbers(1, 'the shape') ?? call.fail('it has no shape')
      if (!wanted.every((n) => n >= 1))
        call.fail(`[${wanted.slice(0, 8).join(', ')}] is not a shape to expand to`)
      const dims = broadcastOf(call, x.dims, wanted)
      if (isKnown(x) && x.integer) return spread(call, x, dims)
      const { value, dims: from } = call.device(0)
      if (value.layout === 'volume' && from.length === dims.length)
        return tensorOf(expand(value, volumeDims(dims)), dims)
      return tensorOf(expand(asFlat(call.device(0)), dims.length === 0 ? [1] : dims), dims)
    },
  },
  Tile: {
    build: (call) => {
      const { dims, value } = call.device(0)
      const repeats = call.numbers(1, 'the repeats') ?? call.fail('it has no repeats')
      if (repeats.length !== dims.length || !repeats.every((n) => n >= 1 && n <= mostRepeats))
        return call.fail(
          `repeats [${repeats.slice(0, 8).join(', ')}] are not a number from 1 to ${mostRepeats} for each axis`,
        )
      const axisOf = (axis: number) => (value.layout === 'volume' ? volumeAxis(axis, dims.length) : axis)
      const tiled = repeats.reduce(
        (sum, n, axis) => (n === 1 ? sum : concat(Array<Value>(n).fill(sum), axisOf(axis))),
        value,
      )
      return tensorOf(
        tiled,
        dims.map((n, axis) => n * repeats[axis]!),
      )
    },
  },
  DepthToSpace: {
    build: (call) => {
      const { image, n, c, h, w, block } = blocksOf(call)
      const channels = c / block ** 2
      if (!Number.isInteger(channels)) call.fail(`${c} channels are not a multiple of ${block} x ${block}`)
      const mode = call.text('mode', 'DCR')
      if (mode !== 'DCR' && mode !== 'CRD') return call.refuse('mode')
      const [axes, order] =
        mode === 'DCR'
          ? [
              [n, block, block, channels, h, w],
              [0, 3, 4, 1, 5, 2],
            ]
          : [
              [n, channels, block, block, h, w],
              [0, 1, 4, 2, 5, 3],
            ]
      const moved = transpose(reshape(image, axes, flat), order)
      return tensorOf(reshape(moved, [n, channels, h * block, w * block], flat))
    },
  },
  SpaceToDepth: {
    build: (call) => {
      const { image, n, c, h, w, block } = blocksOf(call)
      const [rows, columns] = [h / block, w / block]
      if (!Number.isInteger(rows) || !Number.isInteger(columns))
        call.fail(`${h} x ${w} voxels are not blocks of ${block} x ${block}`)
      const moved = transpose(reshape(image, [n, c, rows, block, columns, block], flat), [0, 3, 5, 1, 2, 4])
      return tensorOf(reshape(moved, [n, c * block ** 2, rows, columns], flat))
    },
  },
}

const flat: ReshapeOptions = { layout: 'flat' }

/** The input, which must be images [N, C, H, W], and the edge length of a block. */
function blocksOf(call: Call) {
  const x = call.device(0)
  const [n, c, h, w] = x.dims as [number, number, number, number]
  if (x.dims.length !== 4) call.fail(`its input is [${x.dims.join(', ')}], but [N, C, H, W] is needed`)
  const block = call.number('blocksize', 0)
  if (!(block >= 1)) call.refuse('blocksize')
  return { image: asFlat(x), n, c, h, w, block }
}
