import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { planesOf, slabs, type Slab } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { slicedUnlessFew } from './shared/receptive.js'
import { triple, type Triple } from './shared/triple.js'

/**
 * Nearest-neighbour upsampling, as `torch.nn.functional.interpolate(input, scale_factor=scale)`.
 *
 * @param input [N, C, D, H, W]
 * @param scale whole numbers, at least 1
 * @returns [N, C, D', H', W'] with D' = scale D
 * @throws Error on another scale
 */
export function upsampleNearest(input: Value, scale: number | Triple = 2): Value {
  const scales = triple('upsample_nearest: scale', scale, 1)
  const {
    batch,
    channels,
    depth,
    height,
    width,
    area,
    planes: count,
  } = volumeShape(input, 'upsample_nearest')
  const [sd, sh, sw] = scales
  const coarse = ({ first, end }: Slab) => ({ first: Math.floor(first / sd), end: Math.ceil(end / sd) })
  return op({
    name: 'upsample_nearest',
    inputs: { input },
    output: { shape: [batch, channels, sd * depth, sh * height, sw * width] },
    planes: sd * count,
    reads: (_, slab) => coarse(slab),
    emit: (output, device, range) => {
      const windows = (slab: Slab) => ({
        input: planesOf(input, coarse(slab)),
        output: planesOf(output, slab),
      })
      return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
        shader: shaders.upsampleNearestForward,
        consts: { SCALE_D: sd, SCALE_H: sh, SCALE_W: sw },
        params: { channels, in_height: height, in_width: width, first_plane: slab.first },
        bindings: windows(slab),
        threads: [sh * sw * area, channels, slab.end - slab.first],
      }))
    },
    backward: (gradOutput) => ({ input: upsampleNearestBackward(input, gradOutput, scales) }),
  })
}

/** Gradient with respect to `input` of `upsampleNearest(input, scales)`. */
export function upsampleNearestBackward(
  input: Value,
  gradOutput: Value,
  [sd, sh, sw]: Triple = [2, 2, 2],
): Value {
  const { channels, height, width, area, planes: count } = volumeShape(input)
  const fine = ({ first, end }: Slab) => ({ first: sd * first, end: sd * end })
  return op({
    name: 'upsample_nearest backward',
    inputs: { gradOutput },
    output: { shape: input.shape },
    ...slicedUnlessFew(sd * count, {
      planes: count,
      reads: (_, slab) => fine(slab),
      emit: (gradInput, device, range) => {
        const windows = (slab: Slab) => ({
          grad_output: planesOf(gradOutput, fine(slab)),
          grad_input: planesOf(gradInput, slab),
        })
        return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
          shader: shaders.upsampleNearestBackward,
          consts: { SCALE_D: sd, SCALE_H: sh, SCALE_W: sw },
          params: { channels, in_height: height, in_width: width, first_plane: slab.first },
          bindings: windows(slab),
          threads: [area, channels, slab.end - slab.first],
        }))
      },
    }),
  })
}
