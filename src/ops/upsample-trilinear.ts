import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { planesOf, slabs, type Slab } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { planesBehind, slicedUnlessFew, type Receptive } from './shared/receptive.js'
import { eachAxis, spatialParams, triple, type Triple } from './shared/triple.js'

/**
 * Trilinear upsampling, as `torch.nn.functional.interpolate(input, scale_factor=scale, mode='trilinear')` with
 * align_corners=False.
 *
 * @param input [N, C, D, H, W]
 * @param scale whole numbers, at least 1
 * @returns [N, C, D', H', W'] with D' = scale D
 * @throws Error on another scale
 */
export function upsampleTrilinear(input: Value, scale: number | Triple): Value {
  const scales = triple('upsample_trilinear: scale', scale, 1)
  const from = volumeShape(input, 'upsample_trilinear')
  const inExtents = [from.depth, from.height, from.width] as const
  const [depth, height, width] = eachAxis((axis) => scales[axis] * inExtents[axis])
  const reads = (slab: Slab) => planesBehind(from.depth, depth, neighbours(scales[0]), slab)
  return op({
    name: 'upsample_trilinear',
    inputs: { input },
    output: { shape: [from.batch, from.channels, depth, height, width] },
    planes: from.batch * depth,
    reads: (_, slab) => reads(slab),
    emit: (output, device, range) => {
      const windows = (slab: Slab) => ({
        input: planesOf(input, reads(slab)),
        output: planesOf(output, slab),
      })
      return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
        shader: shaders.upsampleTrilinearForward,
        params: { ...params(input, scales), first_plane: slab.first },
        bindings: windows(slab),
        threads: [height * width, from.channels, slab.end - slab.first],
      }))
    },
    backward: (gradOutput) => ({ input: backward(input, gradOutput, scales) }),
  })
}

function backward(input: Value, gradOutput: Value, scales: Triple): Value {
  const { channels, depth, area, planes } = volumeShape(input)
  const reads = (slab: Slab) => planesBehind(scales[0] * depth, depth, sharedBy(scales[0]), slab)
  return op({
    name: 'upsample_trilinear backward',
    inputs: { gradOutput },
    output: { shape: input.shape },
    ...slicedUnlessFew(scales[0] * planes, {
      planes,
      reads: (_, slab) => reads(slab),
      emit: (gradInput, device, range) => {
        const windows = (slab: Slab) => ({
          grad_output: planesOf(gradOutput, reads(slab)),
          grad_input: planesOf(gradInput, slab),
        })
        return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
          shader: shaders.upsampleTrilinearBackward,
          params: { ...params(input, scales), first_plane: slab.first },
          bindings: windows(slab),
          threads: [area, channels, slab.end - slab.first],
        }))
      },
    }),
  })
}

/** The depths between which an upsampled one lies: `neighbours` of common/trilinear.wgsl. */
function neighbours(scale: number): Receptive {
  return (at) => {
    const low = Math.floor((Math.max(2 * at + 1, scale) - scale) / (2 * scale))
    return { first: low, end: low + 2 }
  }
}

/** The upsampled depths in which a depth has a weight: `shared_by` of common/trilinear.wgsl. */
function sharedBy(scale: number): Receptive {
  return (i) => ({
    first: (i - 1) * scale + Math.floor((scale + 1) / 2),
    end: (i + 1) * scale + Math.floor(scale / 2),
  })
}

function params(input: Value, scales: Triple): Record<string, number> {
  const { channels, depth, height, width } = volumeShape(input)
  return {
    channels,
    in_depth: depth,
    in_height: height,
    in_width: width,
    ...spatialParams('scale', scales),
  }
}
