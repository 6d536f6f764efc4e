import type { Specialisation } from '../gpu/shader.js'
import type { Extents, KernelCall } from '../graph/node.js'
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

/** Whether the sums are their own adjoint: edges that are replicated once add to their own sum only. */
export function areSymmetric(neighbourhood: number): boolean {
  return neighbourhood === 3
}

/** The sums are linear, so their gradient is their adjoint, and the gradient of the adjoint is the sums. */
function sums(input: Value, radius: number, adjoint: boolean): Value {
  const backward = (gradOutput: Value): Value => sums(gradOutput, radius, !adjoint)
  if (radius === 1) return cube(input, backward)
  const along = { radius, adjoint }
  const rows = pass('y', pass('x', input, along), along)
  // Only the last pass has a gradient, which covers all three.
  return pass('z', rows, { ...along, centre: input, backward })
}

interface Pass {
  readonly radius: number
  readonly adjoint: boolean
  /** What the last pass subtracts. */
  readonly centre?: Value
  readonly backward?: (gradOutput: Value) => Value
}

/** One of the three passes. */
function pass(axis: 'x' | 'y' | 'z', input: Value, { radius, adjoint, centre, backward }: Pass): Value {
  const { channels, height, width, area } = volumeShape(input, 'neighbour_sums')
  const run = runs[axis]
  /** Lines that one invocation sums along. */
  const step = axis !== 'x' && width % 4 === 0 ? 4 : 1
  return inVolumes({
    name: adjoint ? 'neighbour_sums adjoint' : 'neighbour_sums',
    input,
    centre,
    // Messages computed from the sums of a wide neighbourhood may exceed f16.
    wide: input.wide || (axis === 'z' && radius > largestHalf),
    halo: axis === 'z' ? radius : 0,
    run: axis === 'z' ? run : 1,
    backward,
    kernel: (planes, intoRun) => ({
      shader: shaders.neighbourSumsPass,
      flags: {
        AXIS_X: axis === 'x',
        AXIS_Y: axis === 'y',
        AXIS_Z: axis === 'z',
        ADJOINT: adjoint,
        VECTOR: step === 4,
      },
      consts: { RUN: run },
      params: { radius },
      threads:
        axis === 'x'
          ? [height * Math.ceil(width / run), channels, planes]
          : axis === 'y'
            ? [(width / step) * Math.ceil(height / run), channels, planes]
            : [area / step, channels, Math.ceil((intoRun + planes) / run)],
    }),
  })
}

/** The sums over cubes of three voxels, in one pass. */
function cube(input: Value, backward: (gradOutput: Value) => Value): Value {
  const { channels, height, width } = volumeShape(input, 'neighbour_sums')
  const step = width % 4 === 0 ? 4 : 1
  return inVolumes({
    name: 'neighbour_sums',
    input,
    wide: input.wide,
    halo: 1,
    run: 1,
    backward,
    kernel: (planes) => ({
      shader: shaders.neighbourSumsCube,
      flags: { VECTOR: step === 4 },
      consts: { RUN: runs.z },
      params: {},
      threads: [(width / step) * Math.ceil(height / 2), channels, Math.ceil(planes / runs.z)],
    }),
  })
}

interface InVolumes {
  readonly name: string
  readonly input: Value
  /** Read at the planes that are computed. */
  readonly centre?: Value | undefined
  readonly wide: boolean
  /** Planes that are read on either side of those that are computed. */
  readonly halo: number
  /** Planes are read from a multiple of this on. */
  readonly run: number
  readonly kernel: (
    planes: number,
    intoRun: number,
  ) => Specialisation & Pick<KernelCall, 'params'> & { readonly threads: Extents }
  readonly backward?: ((gradOutput: Value) => Value) | undefined
}

/** An op whose dispatches never read beyond a volume of the batch. */
function inVolumes({ name, input, centre, wide, halo, run, kernel, backward }: InVolumes): Value {
  const { batch, channels, depth, height, width, planes } = volumeShape(input)
  const reads = (slab: Slab): Slab => {
    const begin = slab.first - (slab.first % depth)
    const end = Math.ceil(slab.end / depth) * depth
    const within = (slab.first - begin) % run
    return {
      first: Math.max(begin, slab.first - within - halo),
      end: Math.min(end, slab.end + halo),
    }
  }
  return op({
    name,
    inputs: { input, centre },
    output: { shape: input.shape, wide },
    planes,
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
          const { params, ...call } = kernel(slab.end - slab.first, (slab.first % depth) % run)
          return {
            ...call,
            params: {
              ...params,
              channels,
              depth,
              height,
              width,
              first_plane: slab.first,
              last_plane: slab.end,
            },
            bindings: {
              input: planesOf(input, reads(slab)),
              output: planesOf(output, slab),
              ...(centre ? { centre: planesOf(centre, slab) } : {}),
            },
          }
        }),
    backward: backward && ((gradOutput) => ({ [centre ? 'centre' : 'input']: backward(gradOutput) })),
  })
}
