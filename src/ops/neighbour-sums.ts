import type { KernelCall } from '../graph/node.js'
import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { planesOf, slabs, type Slab } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { neighbourhoodRadius } from './shared/neighbourhood.js'

/**
 * Voxels that one invocation slides its window over. Runs start at multiples of it, however the volume is cut, so that
 * the sums have the same bits. A slab that begins within a run along z has to start reading at the run's start, so
 * these runs are shorter.
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
  return sums(input, neighbourhoodRadius(neighbourhood), false)
}

/** The transposed map: turns the incoming gradient of `neighbourSums` into that of its input. */
export function adjointNeighbourSums(input: Value, neighbourhood: number): Value {
  return sums(input, neighbourhoodRadius(neighbourhood), true)
}

/**
 * The largest radius whose messages fit into f16: each neighbour adds at most log 1e-12, the logarithm of the table for
 * classes that never meet, and 13^3 - 1 of them stay below 65504.
 */
const largestHalf = 6

/** The sums are linear, so their gradient is their adjoint, and the gradient of the adjoint is the sums. */
function sums(input: Value, radius: number, adjoint: boolean): Value {
  const along = { radius, adjoint, input }
  return pass('z', pass('y', pass('x', input, along), along), along)
}

interface Sums {
  readonly radius: number
  readonly adjoint: boolean
  /** What is summed; the last pass subtracts it. */
  readonly input: Value
}

/** One of the three passes. Only the last one has a gradient, which covers all three. */
function pass(axis: 'x' | 'y' | 'z', input: Value, { radius, adjoint, input: centre }: Sums): Value {
  const { batch, channels, depth, height, width, area, planes: count } = volumeShape(input, 'neighbour_sums')
  const run = runs[axis]
  const last = axis === 'z'
  /** Lines that one invocation sums along. */
  const step = axis !== 'x' && width % 4 === 0 ? 4 : 1
  const halo = last ? radius : 0
  /** The planes that a range of planes reads: whole runs before them, but not from another volume of the batch. */
  const reads = (slab: Slab): Slab => {
    const begin = slab.first - (slab.first % depth)
    const end = Math.ceil(slab.end / depth) * depth
    const within = (slab.first - begin) % (last ? run : 1)
    return {
      first: Math.max(begin, slab.first - within - halo),
      end: Math.min(end, slab.end + halo),
    }
  }
  return op({
    name: adjoint ? 'neighbour_sums adjoint' : 'neighbour_sums',
    inputs: { input, centre: last ? centre : undefined },
    // Messages computed from the sums of a wide neighbourhood may exceed f16.
    output: { shape: input.shape, wide: input.wide || (last && radius > largestHalf) },
    planes: count,
    reads: (value, slab) => (value === input ? reads(slab) : slab),
    emit: (output, device, range) =>
      Array.from({ length: batch }, (_, n) => ({
        first: Math.max(range.first, n * depth),
        end: Math.min(range.end, (n + 1) * depth),
      }))
        .filter((volume) => volume.first < volume.end)
        .flatMap((volume) =>
          slabs(volume, device, (slab) => [planesOf(input, reads(slab)), planesOf(output, slab)]),
        )
        .map((slab): KernelCall => {
          const planes = slab.end - slab.first
          const intoRun = (slab.first % depth) % run
          return {
            shader: shaders.neighbourSumsPass,
            flags: {
              AXIS_X: axis === 'x',
              AXIS_Y: axis === 'y',
              AXIS_Z: last,
              ADJOINT: adjoint,
              VECTOR: step === 4,
            },
            consts: { RUN: run },
            params: {
              channels,
              depth,
              height,
              width,
              radius,
              first_plane: slab.first,
              last_plane: slab.end,
            },
            bindings: {
              input: planesOf(input, reads(slab)),
              output: planesOf(output, slab),
              ...(last ? { centre: planesOf(centre, slab) } : {}),
            },
            threads:
              axis === 'x'
                ? [height * Math.ceil(width / run), channels, planes]
                : axis === 'y'
                  ? [(width / step) * Math.ceil(height / run), channels, planes]
                  : [area / step, channels, Math.ceil((intoRun + planes) / run)],
          }
        }),
    backward: last ? (gradOutput) => ({ centre: sums(gradOutput, radius, !adjoint) }) : undefined,
  })
}
