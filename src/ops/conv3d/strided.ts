import type { OpSpec } from '../../graph/op.js'
import type { KernelCall } from '../../graph/node.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { covered, covering, planesBehind, slicedUnlessFew } from '../shared/receptive.js'
import type { Triple } from '../shared/triple.js'
import { activationSettings } from './activation.js'
import { windowParams } from '../shared/window-params.js'
import { depthAxis, type Geometry } from './geometry.js'
import { packWeights, uniformFloats } from './pack-weights.js'
import type { Weights } from './general.js'
import { broadcastLanes, lanesOf } from '../shared/lanes.js'
import { chooseTile } from './tile.js'
import { unrollStrided } from './unroll-strided.js'

/** A convolution in one direction or the other, without its gradient. */
type Convolution = OpSpec<{
  readonly input: Value
  readonly weight: Value
  readonly bias: Value | undefined
  readonly packed: Value
}>

/**
 * A convolution by the kernel for any stride, in one direction or the other: the convolution itself, or the gradient with
 * respect to its input, which is also the transposed convolution.
 *
 * @param extents of the output
 */
export function stridedConvolution(
  name: string,
  direction: 'forward' | 'backward',
  input: Value,
  { weight, bias, activation = 'none' }: Weights,
  geometry: Geometry,
  extents: Triple,
): Convolution {
  const { kernel, stride, padding } = geometry
  const transposed = direction === 'backward'
  const packed = packWeights(weight, bias, direction)
  const { inputs, outputs } = packed
  const [batch] = input.shape
  const { depth, width } = volumeShape(input)
  const [outDepth, outHeight, outWidth] = extents
  const behind = (transposed ? covering : covered)(depthAxis(geometry))
  const reads = (slab: Slab) => planesBehind(depth, outDepth, behind, slab)
  return {
    name,
    inputs: { input, weight, bias, packed: packed.value },
    output: { shape: [batch!, outputs, ...extents] },
    ...slicedUnlessFew(batch! * depth, {
      planes: batch! * outDepth,
      costly: true,
      reads: (value, slab) => (value === input ? reads(slab) : undefined),
      emit: (output, device, range) => {
        const chosen = chooseTile(
          { outputs, width: outWidth, voxels: volumeShape(output).voxels, kernelWidth: kernel[2] },
          device,
        )
        const x = transposed ? stride[2] * Math.max(1, Math.floor(chosen.x / stride[2])) : chosen.x
        const vector = width % 4 === 0 && outWidth % 4 === 0 && x % 4 === 0
        // With a single tap along x, the sums would be loaded and stored once per product.
        const tapsOfOutput = transposed ? Math.ceil(kernel[2] / stride[2]) : kernel[2]
        const inputTile = tapsOfOutput === 1 && inputs % 2 === 0 ? 2 : 1
        const blocks = Math.ceil(outputs / chosen.channels)
        const phases = transposed ? stride[1] : 1
        const uniform = packed.value.size <= uniformFloats
        const subgroup = broadcastLanes(device)
        const activate = activationSettings(activation)
        const windows = (slab: Slab) => ({
          input: planesOf(input, reads(slab)),
          output: planesOf(output, slab),
        })
        return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab): KernelCall => ({
          shader: shaders.conv3dStrided,
          flags: {
            TRANSPOSED: transposed,
            UNIFORM_WEIGHTS: uniform,
            VECTOR: vector,
            SUBGROUPS: subgroup > 0,
            ...activate.flags,
          },
          consts: {
            TILE_X: x,
            TILE_CO: chosen.channels,
            TILE_CI: inputTile,
            LANES: lanesOf(device),
            PACKED: uniform ? uniformFloats / 4 : 1,
          },
          generated: unrollStrided({
            x,
            channels: chosen.channels,
            inputs: inputTile,
            whole: outputs % chosen.channels === 0,
            kernel: kernel[2],
            stride: stride[2],
            padding: padding[2],
            transposed,
            vector,
            subgroup,
          }),
          params: {
            inputs,
            outputs,
            ...windowParams(input, output, geometry),
            first_plane: slab.first,
            blocks,
            weight_groups: Math.ceil(outputs / 4),
            ...activate.params,
          },
          bindings: { ...windows(slab), packed: whole(packed.value) },
          threads: [
            Math.ceil(outHeight / phases) * Math.ceil(outWidth / x),
            blocks * phases,
            slab.end - slab.first,
          ],
        }))
      },
    }),
  }
}
