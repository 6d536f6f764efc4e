import type { KernelCall } from '../graph/node.js'
import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { planesOf, slabs, type Slab } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { extentParams } from './shared/extent-params.js'
import {
  poolBackward,
  poolForward,
  poolWindows,
  type PoolOptions,
  type PoolWindows,
} from './shared/pooling.js'

/**
 * Max-pooling, as `torch.nn.functional.max_pool3d`: an incomplete window is dropped, voxels outside the input never
 * win, and the gradient of a tie goes to the first voxel in the order D, H, W.
 *
 * @param input [N, C, D, H, W]
 * @param options default: 2x2x2 windows with stride 2, which have tuned kernels
 * @returns [N, C, D', H', W'] with D' = floor((D + 2 padding - kernelSize) / stride) + 1
 * @throws Error if an option is invalid, or a window is larger than the padded input
 */
export function maxPool3d(input: Value, options: PoolOptions = { kernelSize: 2 }): Value {
  const windows = poolWindows('max_pool3d', options)
  return isHalving(windows) ? halve(input) : poolAny(input, windows)
}

/** Whether windows are 2x2x2 with stride 2. */
function isHalving({ kernel, stride, padding }: PoolWindows): boolean {
  return [...kernel, ...stride].every((n) => n === 2) && padding.every((n) => n === 0)
}

function poolAny(input: Value, windows: PoolWindows): Value {
  const forward = (op: string, WINNERS: boolean) =>
    poolForward(
      op,
      { shader: shaders.maxPool3dGeneralForward, flags: { WINNERS } },
      input,
      windows,
      WINNERS ? 'u32' : 'f32',
    )
  return op({
    ...forward('max_pool3d', false),
    backward: (gradOutput) => ({
      input: poolBackward(
        'max_pool3d backward',
        { shader: shaders.maxPool3dGeneralBackward },
        input,
        { grad_output: gradOutput, winners: op(forward('max_pool3d winners', true)) },
        windows,
      ),
    }),
  })
}

function halve(input: Value): Value {
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
