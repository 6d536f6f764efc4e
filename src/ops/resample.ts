import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { volumesOf } from './shared/planewise.js'
import { uncut } from './shared/receptive.js'
import { triple, type Triple } from './shared/triple.js'
import { extentParams } from './shared/extent-params.js'

/** How `resample` reads between voxels. */
export interface ResampleOptions {
  /** The weighted mean of the eight voxels around a position, or the voxel nearest to it. Default `trilinear`. */
  readonly mode?: 'trilinear' | 'nearest'
}

/**
 * Samples a volume at the positions that an affine map takes the voxels of the output to: `affine_grid` and
 * `grid_sample` of PyTorch in one, the map in voxels rather than in -1..1.
 *
 * A position counts voxels between their centres: 0 is the centre of the first voxel along an axis and n - 1 that of the
 * end, so that the identity returns the input. The theta that `affine_grid(..., align_corners=True)` takes places -1
 * and 1 at these two centres; with align_corners=False, at -1/2 and n - 1/2. Its rows are in the order x, y, z, ours in
 * that of the axes D, H, W. A voxel reaches half its size beyond its centre; within that, the outermost voxels are
 * continued, as by padding_mode='border', and outside the volume the result is 0. Voxels are not averaged: blur the
 * input before sampling it at wider steps than its own.
 *
 * The gradient flows to the input alone, not to the map.
 *
 * @param input [N, C, D, H, W]
 * @param map [N, 3, 4]: for each volume three rows `[a, b, c, t]`; voxel (d, h, w) of the output is read at
 *   `a d + b h + c w + t` along the axis of the row
 * @param extents [D', H', W'] of the output
 * @returns [N, C, D', H', W']
 * @throws Error on a map or extents of another form
 */
export function resample(
  input: Value,
  map: Value,
  extents: Triple,
  { mode = 'trilinear' }: ResampleOptions = {},
): Value {
  const { batch, channels } = volumeShape(input, 'resample')
  const [depth, height, width] = triple('resample: extents', extents, 1)
  if (map.shape.join() !== [batch, 3, 4].join())
    throw new Error(`resample: the map is [${map.shape.join(', ')}], but must be [${batch}, 3, 4]`)
  return op({
    name: 'resample',
    inputs: { input, map },
    output: { shape: [batch, channels, depth, height, width] },
    ...uncut({
      planes: batch * depth,
      emit: (output, device, range) => {
        const windows = (slab: Slab) => ({
          input: planesOf(input, volumesOf(slab, output, input)),
          output: planesOf(output, slab),
        })
        return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
          shader: shaders.resampleForward,
          params: { ...params(input, output, mode), first_plane: slab.first },
          bindings: { ...windows(slab), voxel_map: whole(map) },
          threads: [height * width, channels, slab.end - slab.first],
        }))
      },
    }),
    backward: (gradOutput) => ({ input: backward(input, map, gradOutput, mode) }),
  })
}

function backward(input: Value, map: Value, gradOutput: Value, mode: 'trilinear' | 'nearest'): Value {
  const { channels, area, planes } = volumeShape(input)
  return op({
    name: 'resample backward',
    inputs: { gradOutput, map },
    output: { shape: input.shape },
    ...uncut({
      planes,
      emit: (gradInput, device, range) => {
        const windows = (slab: Slab) => ({
          grad_output: planesOf(gradOutput, volumesOf(slab, gradInput, gradOutput)),
          grad_input: planesOf(gradInput, slab),
        })
        return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
          shader: shaders.resampleBackward,
          params: { ...params(input, gradOutput, mode), first_plane: slab.first },
          bindings: { ...windows(slab), voxel_map: whole(map) },
          threads: [area, channels, slab.end - slab.first],
        }))
      },
    }),
  })
}

function params(input: Value, output: Value, mode: 'trilinear' | 'nearest'): Record<string, number> {
  const [from, to] = [volumeShape(input), volumeShape(output)]
  return {
    channels: from.channels,
    ...extentParams(from, to),
    nearest: mode === 'nearest' ? 1 : 0,
  }
}
