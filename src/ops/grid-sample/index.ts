import { op } from '../../graph/op.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { uncut } from '../shared/receptive.js'
import { requireNumbers } from '../shared/broadcast.js'
import { shown } from '../shared/requirements.js'
import { volumesOf } from '../shared/planewise.js'
import { backwardInput } from './backward-input.js'
import { samplingParams, type GridSampleOptions } from './sampling.js'

export type { GridSampleOptions } from './sampling.js'

/**
 * Samples a volume at the positions that a grid gives for each voxel of the output, as
 * `torch.nn.functional.grid_sample`, but with the coordinates as channels, as a network computes them: PyTorch's grid is
 * `grid.permute(0, 2, 3, 4, 1)` of ours.
 *
 * Coordinates run from -1 to 1 over the input; channel 0 is x along W, 1 is y along H, 2 is z along D. Images are
 * volumes of depth 1, and z is then 0.
 *
 * Both inputs have gradients. That of the input is a sum over outputs, taken in fixed point of 64 bits whose unit
 * follows from the largest number of the output's gradient: it is as accurate as sums of f32 are, and has the same bits
 * in every run. Meanwhile it takes 8 bytes per element of the input. With `nearest`, the
 * gradient of the grid is 0.
 *
 * @param input [N, C, D, H, W]
 * @param grid [N, 3, D', H', W']; `affineGrid` makes one, or add a displacement field to one
 * @returns [N, C, D', H', W']
 * @throws Error if the shapes do not fit
 */
export function gridSample(input: Value, grid: Value, options: GridSampleOptions = {}): Value {
  const { batch, channels } = volumeShape(input, 'grid_sample')
  requireNumbers('grid_sample', input)
  requireNumbers('grid_sample', grid, 'grid')
  const to = volumeShape(grid, 'grid_sample')
  if (to.channels !== 3 || to.batch !== batch)
    throw new Error(
      `grid_sample: the grid of ${shown(input)} must be [${batch}, 3, D, H, W], not ${shown(grid)}`,
    )
  const { depth, height, width, area, planes } = to
  const params = samplingParams(input, grid, options)
  return op({
    name: 'grid_sample',
    inputs: { input, grid },
    output: { shape: [batch, channels, depth, height, width], wide: input.wide },
    ...uncut({
      planes,
      emit: (output, device, range) => {
        const windows = (slab: Slab) => ({
          input: planesOf(input, volumesOf(slab, output, input)),
          grid: planesOf(grid, slab),
          output: planesOf(output, slab),
        })
        return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
          shader: shaders.gridSampleForward,
          params: { ...params, first_plane: slab.first },
          bindings: windows(slab),
          threads: [area, slab.end - slab.first],
        }))
      },
    }),
    backward: (gradOutput) => ({
      input: backwardInput(input, grid, gradOutput, options),
      grid: options.mode === 'nearest' ? undefined : backwardGrid(input, grid, gradOutput, options),
    }),
  })
}

function backwardGrid(input: Value, grid: Value, gradOutput: Value, options: GridSampleOptions): Value {
  const { area, planes } = volumeShape(grid)
  const params = samplingParams(input, grid, options)
  return op({
    name: 'grid_sample backward grid',
    inputs: { input, grid, gradOutput },
    output: { shape: grid.shape },
    ...uncut({
      planes,
      emit: (gradGrid, device, range) => {
        const windows = (slab: Slab) => ({
          input: planesOf(input, volumesOf(slab, grid, input)),
          grid: planesOf(grid, slab),
          grad_output: planesOf(gradOutput, slab),
          grad_grid: planesOf(gradGrid, slab),
        })
        return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
          shader: shaders.gridSampleBackwardGrid,
          params: { ...params, first_plane: slab.first },
          bindings: windows(slab),
          threads: [area, slab.end - slab.first],
        }))
      },
    }),
  })
}
