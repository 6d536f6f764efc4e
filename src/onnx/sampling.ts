import { constant, type Shape, type Value } from '../graph/value.js'
import {
  affineGrid,
  concat,
  expand,
  gridSample,
  reshape,
  slice,
  transpose,
  type Triple,
} from '../ops/index.js'
import type { Operator } from './call.js'
import { spatialInput } from './convolutions.js'
import { asFlat, tensorOf, volumeTensor } from './tensor.js'

/** Names of modes: those before opset 20, and since. */
const modes: Readonly<Record<string, 'trilinear' | 'nearest'>> = {
  bilinear: 'trilinear',
  linear: 'trilinear',
  nearest: 'nearest',
}

/** More voxels along an axis of a grid are a damaged file. */
const mostExtent = 65536

/** Sampling at a grid, of images and volumes. A grid has its coordinates last: [N, ...spatial, 2 or 3]. */
export const sampling: Readonly<Record<string, Operator>> = {
  GridSample: {
    build: (call) => {
      const { input, rank } = spatialInput(call)
      const grid = call.device(1)
      const axes = rank - 2
      if (axes < 2 || grid.dims.length !== rank || grid.dims.at(-1) !== axes)
        call.fail(
          `a grid [${grid.dims.join(', ')}] of ${rank} axes for [${input.shape.join(', ')}] is not supported`,
        )
      const mode = modes[call.text('mode', 'linear')] ?? call.refuse('mode')
      const padding = call.text('padding_mode', 'zeros')
      if (padding !== 'zeros' && padding !== 'border') return call.refuse('padding_mode')
      const alignCorners = call.number('align_corners', 0) === 1
      return volumeTensor(
        gridSample(input, channelsFirst(asFlat(grid)), { mode, padding, alignCorners }),
        rank,
      )
    },
  },
  AffineGrid: {
    build: (call) => {
      const theta = asFlat(call.device(0))
      const size = call.numbers(1, 'the size') ?? call.fail('it has no size')
      const extents = size.slice(2)
      const axes = extents.length
      if (theta.shape.join() !== [size[0], axes, axes + 1].join() || (axes !== 2 && axes !== 3))
        call.fail(
          `a map [${theta.shape.join(', ')}] for the size [${size.slice(0, 8).join(', ')}] is not supported`,
        )
      if (!extents.every((n) => n >= 1 && n <= mostExtent))
        call.fail(`[${size.join(', ')}] is not the size of a grid`)
      const alignCorners = call.number('align_corners', 0) === 1
      const [map, to] = axes === 3 ? [theta, extents] : [withoutDepth(theta), [1, ...extents]]
      return tensorOf(channelsLast(affineGrid(map, to as unknown as Triple, { alignCorners }), axes))
    },
  },
}

/** A grid [N, ...spatial, 2 or 3] as a volume [N, 3, D, H, W]; that of images has z = 0, the centre of their one plane. */
function channelsFirst(grid: Value): Value {
  const rank = grid.shape.length
  const axes = Array.from({ length: rank - 2 }, (_, axis) => axis + 1)
  const moved = transpose(grid, [0, rank - 1, ...axes])
  if (rank === 5) return reshape(moved, moved.shape)
  const [n, , h, w] = moved.shape as [number, number, number, number]
  return reshape(concat([moved, zeros([n, 1, h, w])], 1), [n, 3, 1, h, w])
}

/** The opposite. */
function channelsLast(grid: Value, axes: number): Value {
  const [n, , ...extents] = grid.shape as [number, number, ...number[]]
  if (axes === 3) return transpose(reshape(grid, grid.shape, { layout: 'flat' }), [0, 2, 3, 4, 1])
  const images = reshape(grid, [n, 3, ...extents.slice(1)])
  return transpose(slice(images, { starts: [0], ends: [2], axes: [1] }), [0, 2, 3, 1])
}

/** A map of x and y [N, 2, 3] as one of x, y and z: the shift is its last column, and z stays 0. */
function withoutDepth(theta: Value): Value {
  const n = theta.shape[0]!
  const [turn, shift] = [
    slice(theta, { starts: [0], ends: [2], axes: [2] }),
    slice(theta, { starts: [2], axes: [2] }),
  ]
  return concat([concat([turn, zeros([n, 2, 1]), shift], 2), zeros([n, 1, 4])], 1)
}

function zeros(shape: Shape): Value {
  const one = constant(
    'zero',
    shape.map(() => 1),
    Float32Array.of(0),
  )
  return expand(one, shape)
}
