import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { planesOf, slabs, type Slab } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { boxShape, requireBox, type Box } from './shared/box.js'
import { eachAxis, type Triple } from './shared/triple.js'
import { extentParams } from './shared/extent-params.js'

/**
 * The voxels of a box.
 *
 * @param input [N, C, D, H, W]
 * @returns [N, C, ...] of the box's extents; `input` itself if the box is all of it
 * @throws Error if the box is empty or reaches beyond the input
 */
export function crop(input: Value, box: Box): Value {
  const { depth, height, width } = volumeShape(input, 'crop')
  requireBox('crop', box, [depth, height, width])
  return fit(input, boxShape(box), box.start)
}

/**
 * Crops a volume, or pads it with zeros, at both ends of each axis: output voxel i is input voxel i + start, or 0 where
 * there is none.
 *
 * @param input [N, C, D, H, W]
 * @param extents the wanted [D, H, W]
 * @param start the input voxel that comes first; negative to pad before the first one. Default [0, 0, 0]
 * @returns [N, C, ...extents]; `input` itself if nothing changes
 */
export function fit(input: Value, extents: Triple, start: Triple = [0, 0, 0]): Value {
  const [n, c, ...current] = input.shape as [number, number, number, number, number]
  if (current.every((extent, axis) => extent === extents[axis] && start[axis] === 0)) return input
  const from = volumeShape(input, 'fit')
  const [toDepth, , toWidth] = extents
  const vector = [from.width, toWidth, start[2]].every((n) => n % 4 === 0)
  // The input plane of an output plane, or the nearest of its volume if there is none.
  const source = (plane: number) =>
    Math.floor(plane / toDepth) * from.depth +
    Math.min(Math.max((plane % toDepth) + start[0], 0), from.depth - 1)
  const reads = ({ first, end }: Slab): Slab => ({ first: source(first), end: source(end - 1) + 1 })
  return op({
    name: 'fit',
    inputs: { input },
    output: { shape: [n, c, ...extents] },
    planes: from.batch * toDepth,
    reads: (_, slab) => reads(slab),
    emit: (output, device, range) => {
      const to = volumeShape(output)
      const windows = (slab: Slab) => ({
        input: planesOf(input, reads(slab)),
        output: planesOf(output, slab),
      })
      return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
        shader: shaders.fitForward,
        flags: { VECTOR: vector },
        params: {
          channels: from.channels,
          ...extentParams(from, to),
          start_depth: start[0],
          start_height: start[1],
          start_width: start[2],
          first_plane: slab.first,
        },
        bindings: windows(slab),
        threads: [vector ? to.area / 4 : to.area, to.channels, slab.end - slab.first],
      }))
    },
    backward: (gradOutput) => ({
      input: fit(
        gradOutput,
        [from.depth, from.height, from.width],
        eachAxis((axis) => -start[axis]),
      ),
    }),
  })
}
