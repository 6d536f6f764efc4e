import type { DeviceTraits } from '../../gpu/traits.js'
import type { KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { Value, volumeShape } from '../../graph/value.js'
import {
  elementSlabs,
  everyPlane,
  planesOf,
  slabs,
  whole,
  type Slab,
  type Window,
} from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { volumesOf } from '../shared/planewise.js'
import { uncut } from '../shared/receptive.js'
import { samplingParams, type GridSampleOptions } from './sampling.js'

/** Numbers that a workgroup of shaders/grid_sample/largest.wgsl looks at. */
const perWorkgroup = 1024

/**
 * The gradient of the sampled volume. It is summed in fixed point, planes by planes: every output adds to the planes at
 * hand, so that the sums, of two words each, need not be bound as a whole.
 */
export function backwardInput(
  input: Value,
  grid: Value,
  gradOutput: Value,
  options: GridSampleOptions,
): Value {
  const { batch, channels, depth, height, width, area, planes } = volumeShape(input)
  const { area: outputs, depth: outDepth } = volumeShape(grid)
  // A low and a high word for each element.
  const sums = new Value('sums', [batch, 2 * channels, depth, height, width], 'computed', { dtype: 'u32' })
  const largest = new Value('largest', [1], 'computed', { dtype: 'u32' })
  // A voxel gets at most 1 of each output; the sum of all fits into 62 bits and a sign.
  const bits = 62 - Math.ceil(Math.log2(outDepth * outputs))
  const params = samplingParams(input, grid, options)

  const scatter = (slab: Slab, device: DeviceTraits): KernelCall[] => {
    const windows = (part: Slab) => ({ grid: planesOf(grid, part), grad_output: planesOf(gradOutput, part) })
    return slabs(volumesOf(slab, input, grid), device, (part) => Object.values(windows(part))).map(
      (part) => ({
        shader: shaders.gridSampleBackwardInput,
        params: { ...params, bits, first_output: part.first, first_plane: slab.first, end_plane: slab.end },
        bindings: { ...windows(part), largest: whole(largest), sums: planesOf(sums, slab) },
        threads: [outputs, part.end - part.first],
      }),
    )
  }
  return op({
    name: 'grid_sample backward input',
    inputs: { grid, gradOutput },
    output: { shape: input.shape, wide: gradOutput.wide },
    scratch: [sums, largest],
    ...uncut({
      planes,
      emit: (gradInput, device) => [
        clear(whole(largest)),
        ...magnitude(gradOutput, largest, device),
        ...slabs(everyPlane(gradInput), device, (slab) => [planesOf(sums, slab)]).flatMap((slab) => [
          clear(planesOf(sums, slab)),
          ...scatter(slab, device),
          {
            shader: shaders.gridSampleFinishInput,
            params: { plane: channels * area, bits, first_plane: slab.first },
            bindings: {
              sums: planesOf(sums, slab),
              largest: whole(largest),
              grad_input: planesOf(gradInput, slab),
            },
            threads: [channels * area, slab.end - slab.first] as const,
          },
        ]),
      ],
    }),
  })
}

function clear(output: Window): KernelCall {
  const { start, end } = output
  return {
    shader: shaders.gridSampleClear,
    params: { first: start, count: end - start },
    bindings: { output },
    threads: [end - start],
  }
}

function magnitude(gradOutput: Value, largest: Value, device: DeviceTraits): KernelCall[] {
  return elementSlabs({ first: 0, end: gradOutput.size }, device).map(({ first, end }) => ({
    shader: shaders.gridSampleLargest,
    params: { first, count: end - first },
    bindings: { grad_output: { value: gradOutput, start: first, end }, largest: whole(largest) },
    workgroups: [Math.ceil((end - first) / perWorkgroup)],
  }))
}
