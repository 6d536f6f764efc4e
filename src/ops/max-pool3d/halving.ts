import type { KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { extentParams } from '../shared/extent-params.js'

/**
 * `maxPool3d` of 2x2x2 windows with stride 2. A program that needs no others does not load the kernels for those.
 *
 * @param input [N, C, D, H, W], no extent below 2
 * @returns [N, C, D/2, H/2, W/2], rounded down
 * @throws Error if an extent is below 2
 */
export function halvingMaxPool3d(input: Value): Value {
  const from = volumeShape(input, 'max_pool3d')
  const extents = [from.depth, from.height, from.width].map((n) => Math.floor(n / 2))
  if (extents.includes(0))
    throw new Error(`max_pool3d: ${input.name} [${input.shape.join(', ')}] has an extent below 2`)
  return op({
    name: 'max_pool3d',
    inputs: { input },
    output: { shape: [from.batch, from.channels, ...extents] },
    emit: (output, device) => {
      const to = volumeShape(output)
      // Planes of the batch element that an output plane belongs to.
      const source = (plane: number) => Math.floor(plane / to.depth) * from.depth + 2 * (plane % to.depth)
      const reads = ({ first, end }: Slab) =>
        planesOf(input, { first: source(first), end: source(end - 1) + 2 })
      const writes = (slab: Slab) => planesOf(output, slab)
      return slabs({ first: 0, end: to.planes }, device, (slab) => [reads(slab), writes(slab)]).map(
        (slab): KernelCall => ({
          shader: shaders.maxPool3dForward,
          params: { channels: from.channels, ...extentParams(from, to), first_plane: slab.first },
          bindings: { input: reads(slab), output: writes(slab) },
          threads: [to.area, to.channels, slab.end - slab.first],
        }),
      )
    },
    backward: (gradOutput, output) => ({ input: halveBackward(input, output, gradOutput) }),
  })
}

function halveBackward(input: Value, output: Value, gradOutput: Value): Value {
  const from = volumeShape(input)
  const to = volumeShape(output)
  const pairsPerVolume = Math.ceil(from.depth / 2)
  const volume = (pair: number) => Math.floor(pair / pairsPerVolume)
  const inputPlane = (pair: number) => volume(pair) * from.depth + 2 * (pair % pairsPerVolume)
  const outputPlane = (pair: number) => volume(pair) * to.depth + (pair % pairsPerVolume)
  return op({
    name: 'max_pool3d backward',
    inputs: { input, gradOutput },
    output: { shape: input.shape },
    emit: (gradInput, device) => {
      const windows = ({ first, end }: Slab) => {
        const pairs = { first: inputPlane(first), end: inputPlane(end - 1) + 2 }
        const firstOutput = Math.min(outputPlane(first), to.planes - 1)
        const endOutput = Math.max(firstOutput + 1, outputPlane(end - 1) + 1)
        return {
          input: planesOf(input, pairs),
          // The last pair of planes of an odd depth has no output plane; it is given another window, which is not read.
          grad_output: planesOf(gradOutput, { first: firstOutput, end: endOutput }),
          grad_input: planesOf(gradInput, pairs),
        }
      }
      return slabs({ first: 0, end: from.batch * pairsPerVolume }, device, (slab) =>
        Object.values(windows(slab)),
      ).map((slab): KernelCall => ({
        shader: shaders.maxPool3dBackward,
        params: { channels: from.channels, ...extentParams(from, to), first_pair: slab.first },
        bindings: windows(slab),
        threads: [
          Math.ceil(from.height / 2) * Math.ceil(from.width / 2),
          from.channels,
          slab.end - slab.first,
        ],
      }))
    },
  })
}
