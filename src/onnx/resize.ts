import { constant } from '../graph/value.js'
import { resample, upsampleNearest, upsampleTrilinear, type Triple } from '../ops/index.js'
import type { Call, Operator } from './call.js'
import { spatialInput } from './convolutions.js'
import { volumeTensor, type Tensor } from './tensor.js'

/** `Resize`, and `Upsample` of older files: nearest by whole factors, linear to any size. */
export const resizing: Readonly<Record<string, Operator>> = {
  Resize: {
    build: (call) => {
      call.expect('antialias', 0)
      call.expect('exclude_outside', 0)
      call.expect('keep_aspect_ratio_policy', 'stretch')
      // These only matter in modes that are refused.
      call.number('cubic_coeff_a', 0)
      call.number('extrapolation_value', 0)
      if (call.list('axes')) call.refuse('axes')
      return resize(call, 2, 3, call.text('coordinate_transformation_mode', 'half_pixel'))
    },
  },
  Upsample: { build: (call) => resize(call, 1, undefined, 'asymmetric') },
}

/** How the positions of outputs are found in the input: ONNX's coordinate_transformation_mode. */
type Transformation = (output: number, scale: number, from: number, to: number) => number

const transformations: Readonly<Record<string, Transformation>> = {
  half_pixel: (x, scale) => (x + 0.5) / scale - 0.5,
  pytorch_half_pixel: (x, scale, _, to) => (to > 1 ? (x + 0.5) / scale - 0.5 : 0),
  align_corners: (x, _, from, to) => (to > 1 ? (x * (from - 1)) / (to - 1) : 0),
  asymmetric: (x, scale) => x / scale,
}

const roundings: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
}

/** More voxels along an axis are a damaged file. */
const mostExtent = 65536

function resize(call: Call, scalesAt: number, sizesAt: number | undefined, how: string): Tensor {
  const { input, rank } = spatialInput(call)
  const given = call.numbers(scalesAt, 'the scales') ?? []
  const sizes = sizesAt === undefined ? undefined : call.numbers(sizesAt, 'the sizes')
  const from = input.shape.slice(2) as unknown as Triple
  const ofAxis = (numbers: readonly number[], axis: number) => numbers[axis + rank - 3]
  const spatial = (axis: number) => axis + rank - 3 >= 2
  if (
    [0, 1].some(
      (axis) =>
        (given.length > 0 ? given[axis] : sizes?.[axis]) !== (given.length > 0 ? 1 : input.shape[axis]),
    )
  )
    call.fail('only spatial axes can be resized')
  const scales = from.map((n, axis) =>
    !spatial(axis) ? 1 : given.length > 0 ? ofAxis(given, axis)! : ofAxis(sizes!, axis)! / n,
  ) as unknown as Triple
  const to = from.map((n, axis) =>
    spatial(axis) && sizes ? ofAxis(sizes, axis)! : Math.floor(Math.fround(n * scales[axis]!)),
  ) as unknown as Triple
  if (!to.every((n) => n >= 1 && n <= mostExtent)) call.fail(`[${to.join(', ')}] is not a size to resize to`)
  const position = transformations[how] ?? call.refuse('coordinate_transformation_mode')
  const whole = scales.every((scale) => Number.isInteger(scale))
  const mode = call.text('mode', 'nearest')
  if (mode === 'nearest') {
    const rounding =
      roundings[
        call.text(
          'nearest_mode',
          how === 'asymmetric' && sizesAt === undefined ? 'floor' : 'round_prefer_floor',
        )
      ]
    if (!rounding) return call.refuse('nearest_mode')
    const repeats = from.every((n, axis) =>
      Array.from({ length: to[axis]! }, (_, x) => x).every(
        (x) =>
          Math.min(Math.max(rounding(position(x, scales[axis]!, n, to[axis]!)), 0), n - 1) ===
          Math.floor(x / scales[axis]!),
      ),
    )
    if (!whole || !repeats)
      return call.fail(
        `nearest neighbours are only supported if every voxel is repeated a whole number of times, not by [${scales.join(', ')}] with ${how}`,
      )
    return volumeTensor(upsampleNearest(input, scales), rank)
  }
  call.text('nearest_mode', '')
  if (mode !== 'linear' && mode !== 'trilinear') return call.refuse('mode')
  if (whole && how.endsWith('half_pixel') && to.every((n) => n > 1 || how === 'half_pixel'))
    return volumeTensor(upsampleTrilinear(input, scales), rank)
  // All transformations are affine. Positions beyond the outermost voxels take their values, as `resample` does within
  // half a voxel: only with the transformation "asymmetric" do they lie farther outside.
  const rows = from.flatMap((n, axis) => {
    const at = (x: number) => position(x, scales[axis]!, n, to[axis]!)
    if (at(to[axis]! - 1) > n - 0.5)
      call.fail(`coordinate_transformation_mode ${how} is not supported for these sizes`)
    const step = to[axis]! > 1 ? at(1) - at(0) : 0
    return [0, 1, 2].map((other) => (other === axis ? step : 0)).concat(at(0))
  })
  const maps = Array.from({ length: input.shape[0]! }, () => rows).flat()
  const map = constant('resize map', [input.shape[0]!, 3, 4], Float32Array.from(maps))
  return volumeTensor(resample(input, map, to), rank)
}
