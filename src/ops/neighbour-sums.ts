import { defineNode, only, scratch, type DeviceTraits, type KernelCall } from '../autograd/node.js'
import { volumeShape, type Value } from '../autograd/value.js'
import { planes, slabs, type Slab } from '../autograd/window.js'

/**
 * Voxels that one invocation slides its window over. Runs start at multiples of it wherever the volume is cut, so
 * that the sums have the same bits; a slab that begins within a run along z reads on from the run's start, so these
 * are shorter.
 */
const runs = { x: 16, y: 16, z: 8 }

/**
 * Sum over each voxel's neighbours: the cube of `neighbourhood`^3 voxels about it without itself, edges replicated.
 * The cost does not grow with the neighbourhood.
 *
 * @param input [N, C, D, H, W]
 * @param neighbourhood odd edge length of the cube, 3 to 21
 * @throws Error on another neighbourhood
 */
export function neighbourSums(input: Value, neighbourhood: number): Value {
  if (
    !Number.isInteger(neighbourhood) ||
    neighbourhood % 2 === 0 ||
    neighbourhood < 3 ||
    neighbourhood > 21
  ) {
    throw new Error(`the neighbourhood must be odd, 3 to 21, not ${neighbourhood}`)
  }
  return sums(input, (neighbourhood - 1) / 2, false)
}

/** The sums are linear, so their gradient is their adjoint, and that one's gradient are the sums. */
function sums(input: Value, radius: number, adjoint: boolean): Value {
  volumeShape(input)
  const between = scratch('neighbour sums', input.shape)
  return only(
    defineNode({
      op: adjoint ? 'neighbour_sums adjoint' : 'neighbour_sums',
      inputs: [input],
      outputs: [{ shape: input.shape }],
      scratch: [between],
      emit: ([output], device) => [
        ...pass('x', input, output!, input, radius, adjoint, device),
        ...pass('y', output!, between, input, radius, adjoint, device),
        ...pass('z', between, output!, input, radius, adjoint, device),
      ],
      backward: ([gradOutput]) => [sums(gradOutput!, radius, !adjoint)],
    }),
  )
}

function pass(
  axis: 'x' | 'y' | 'z',
  input: Value,
  output: Value,
  centre: Value,
  radius: number,
  adjoint: boolean,
  device: DeviceTraits,
): KernelCall[] {
  const { batch, channels, depth, height, width, area } = volumeShape(input)
  const run = runs[axis]
  const halo = axis === 'z' ? radius : 0
  const runStart = (plane: number) => (axis === 'z' ? plane - (plane % run) : plane)
  const calls: KernelCall[] = []
  for (let n = 0; n < batch; n++) {
    const begin = n * depth
    const reads = ({ first, last }: Slab) =>
      planes(input, begin + Math.max(0, runStart(first) - halo), begin + Math.min(depth, last + halo))
    const writes = ({ first, last }: Slab) => planes(output, begin + first, begin + last)
    for (const slab of slabs(depth, device, (part) => [reads(part), writes(part)])) {
      const count = slab.last - slab.first
      calls.push({
        shader: 'neighbour_sums/pass',
        flags: { AXIS_X: axis === 'x', AXIS_Y: axis === 'y', AXIS_Z: axis === 'z', ADJOINT: adjoint },
        consts: { RUN: run },
        params: {
          channels,
          depth,
          height,
          width,
          radius,
          first_plane: begin + slab.first,
          last_plane: begin + slab.last,
        },
        bindings: {
          input: reads(slab),
          output: writes(slab),
          ...(axis === 'z' ? { centre: planes(centre, begin + slab.first, begin + slab.last) } : {}),
        },
        workgroups:
          axis === 'x'
            ? [Math.ceil((height * Math.ceil(width / run)) / 64), channels, count]
            : axis === 'y'
              ? [Math.ceil((width * Math.ceil(height / run)) / 64), channels, count]
              : [Math.ceil(area / 64), channels, Math.ceil((slab.last - runStart(slab.first)) / run)],
      })
    }
  }
  return calls
}
