import { defineNode, only, scratch, type DeviceTraits, type KernelCall } from '../autograd/node.js'
import { volumeShape, type Value } from '../autograd/value.js'
import { planes, slabs, type Slab } from '../autograd/window.js'
import { planewise } from './planewise.js'
import { dot, weightedSum } from './sum.js'

/**
 * Voxels that one invocation of a box sum slides over. Runs start at multiples of it wherever the volume is cut, so
 * that the sums have the same bits; a slab that begins within a run along z reads on from the run's start, so these
 * are shorter.
 */
const runs = { x: 16, y: 16, z: 8 }

/**
 * Mean-field message of an MRF prior: what the neighbours of a voxel say of its class (SAE.md, row "L_mrf").
 *
 *   m_i(c) = sum_c' table(c, c') sum_{j in N_i} posterior_j(c')
 *
 * N_i is the cube of `neighbourhood`^3 voxels about i without i, edges replicated. The cost does not grow with it.
 *
 * @param posterior [N, K, D, H, W]
 * @param table log M, [K, K]
 * @param neighbourhood odd edge length of the cube, 3 to 21
 * @throws Error on an even or too large neighbourhood, or a table of another size
 */
export function mrfMessage(posterior: Value, table: Value, neighbourhood: number): Value {
  return message(posterior, table, neighbourhood, false)
}

/**
 * Energy of a posterior under an MRF prior: - sum_i sum_c posterior_i(c) m_i(c), a scalar.
 * Arguments as for `mrfMessage`.
 */
export function mrfEnergy(posterior: Value, table: Value, neighbourhood: number): Value {
  return weightedSum([{ term: dot(posterior, mrfMessage(posterior, table, neighbourhood)), factor: -1 }])
}

function message(posterior: Value, table: Value, neighbourhood: number, adjoint: boolean): Value {
  const { channels: classes } = volumeShape(posterior)
  if (
    !Number.isInteger(neighbourhood) ||
    neighbourhood % 2 === 0 ||
    neighbourhood < 3 ||
    neighbourhood > 21
  ) {
    throw new Error(`mrf: the neighbourhood must be odd, 3 to 21, not ${neighbourhood}`)
  }
  if (table.size !== classes * classes) {
    throw new Error(`mrf: the table must be [${classes}, ${classes}], not [${table.shape.join(', ')}]`)
  }
  const radius = (neighbourhood - 1) / 2
  const box = scratch('mrf box sums', posterior.shape)
  return only(
    defineNode({
      op: adjoint ? 'mrf_message adjoint' : 'mrf_message',
      inputs: [posterior, table],
      outputs: [{ shape: posterior.shape }],
      scratch: [box],
      emit: ([output], device) => [
        // Back and forth between the two volumes; the product overwrites the second pass's result.
        ...boxSum('x', posterior, box, radius, adjoint, device),
        ...boxSum('y', box, output!, radius, adjoint, device),
        ...boxSum('z', output!, box, radius, adjoint, device),
        ...planewise(
          {
            shader: 'mrf/message',
            flags: { TRANSPOSE: adjoint },
            params: { classes },
            volumes: { box, centre: posterior, output: output! },
            flats: { table },
          },
          device,
        ),
      ],
      backward: ([gradOutput]) => [message(gradOutput!, table, neighbourhood, !adjoint), undefined],
    }),
  )
}

function boxSum(
  axis: 'x' | 'y' | 'z',
  input: Value,
  output: Value,
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
        shader: 'mrf/box_sum',
        flags: { AXIS_X: axis === 'x', AXIS_Y: axis === 'y', ADJOINT: adjoint },
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
        bindings: { input: reads(slab), output: writes(slab) },
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
