import { op, type OpSpec } from '../../graph/op.js'
import { scratch, type KernelCall } from '../../graph/node.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { covered, covering, planesBehind, slicedUnlessFew, uncut } from '../shared/receptive.js'
import { sumColumns } from '../shared/reduce.js'
import { spatialParams, type Triple } from '../shared/triple.js'
import { activationSettings } from './activation.js'
import type { Weights } from './general.js'
import type { Geometry } from './geometry.js'
import { packWeights, uniformFloats } from './pack-weights.js'
import { balancedTile, broadcastLanes, chooseTile, lanesOf, largeVolume } from './tile.js'
import { unrollStrided } from './unroll-strided.js'
import { depthAxis } from './general.js'
import { unrollStridedBackwardWeight } from './unroll-strided-backward-weight.js'

/** What a convolution reads; without its gradient. */
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
  const { depth, height, width } = volumeShape(input)
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
        const blocks = Math.ceil(outputs / chosen.channels)
        const phases = transposed ? stride[1] : 1
        const uniform = packed.value.size <= uniformFloats
        // A GPU reads a shared weight only once by itself; a CPU driver reads it for each lane.
        const subgroup = device.software ? broadcastLanes(device) : 0
        const activate = activationSettings(activation)
        const windows = (slab: Slab) => ({ input: planesOf(input, reads(slab)), output: planesOf(output, slab) })
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
            LANES: lanesOf(device),
            PACKED: uniform ? uniformFloats / 4 : 1,
          },
          generated: unrollStrided({
            x,
            channels: chosen.channels,
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
            in_depth: depth,
            in_height: height,
            in_width: width,
            out_depth: outDepth,
            out_height: outHeight,
            out_width: outWidth,
            ...spatialParams('kernel', kernel),
            ...spatialParams('stride', stride),
            ...spatialParams('padding', padding),
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

/** Number of bricks to aim for, their least number of voxels, and the most partial sums to keep. */
const mostBricks = 1024
const leastBrick = 256
const mostPartials = 4e6
/** As in backward-weight.ts. */
const mostChannels = { large: 16, small: 8 }
const mostSums = { software: 144, hardware: 64 }

/** The gradient of a convolution with respect to its weights [Co, Ci, kD, kH, kW]. */
export function stridedBackwardWeight(
  name: string,
  input: Value,
  gradOutput: Value,
  weight: Value,
  { kernel, stride, padding, ...geometry }: Geometry,
): Value {
  const from = volumeShape(input)
  const to = volumeShape(gradOutput)
  const { planes } = to
  const columns = weight.size

  // A brick is some columns of a plane or, if weights outnumber voxels, some planes, to keep fewer partial sums.
  const brickPlanes = Math.min(planes, Math.ceil((planes * columns) / mostPartials))
  const wanted = Math.floor(Math.min(mostBricks / planes, mostPartials / columns / planes, to.area / leastBrick))
  const quads = Math.ceil(to.width / 4)
  const brickQuads = Math.ceil(quads / Math.max(1, Math.min(quads, wanted)))
  const bricksPerPlane = Math.ceil(quads / brickQuads)
  const units = Math.ceil(planes / brickPlanes)
  const partials = scratch('conv3d weight partials', [units * bricksPerPlane, columns])

  const gradientPlanes = (unit: Slab): Slab => ({
    first: unit.first * brickPlanes,
    end: Math.min(planes, unit.end * brickPlanes),
  })
  const behind = covered(depthAxis({ kernel, stride, padding, ...geometry }))
  const reads = (slab: Slab) => planesBehind(from.depth, to.depth, behind, slab)
  const calls = (device: DeviceTraits, range: Slab): KernelCall[] => {
    const windows = (unit: Slab) => ({
      input: planesOf(input, reads(gradientPlanes(unit))),
      grad_output: planesOf(gradOutput, gradientPlanes(unit)),
    })
    const vector = from.width % 4 === 0 && to.width % 4 === 0
    const subgroup = broadcastLanes(device)
    const sums = device.software ? mostSums.software : mostSums.hardware
    // If the kernel is so large that one channel has too many sums, it is taken row by row.
    const rows = kernel[1] * kernel[2] <= sums ? kernel[1] : 1
    const widest = to.voxels >= largeVolume ? mostChannels.large : mostChannels.small
    const tile = balancedTile(
      to.channels,
      Math.max(1, Math.min(widest, Math.floor(sums / (rows * kernel[2])))),
    )
    return slabs(range, device, (unit) => Object.values(windows(unit))).map((unit): KernelCall => ({
      shader: shaders.conv3dStridedBackwardWeight,
      flags: { VECTOR: vector, SUBGROUPS: subgroup > 0 },
      consts: { ROWS: rows, TILE_CO: tile, LANES: lanesOf(device) },
      generated: unrollStridedBackwardWeight({
        channels: tile,
        whole: to.channels % tile === 0,
        rows,
        kernel: kernel[2],
        stride: [stride[1], stride[2]],
        padding: padding[2],
        vector,
        subgroup,
      }),
      params: {
        in_channels: from.channels,
        in_depth: from.depth,
        in_height: from.height,
        in_width: from.width,
        out_channels: to.channels,
        out_depth: to.depth,
        out_height: to.height,
        out_width: to.width,
        ...spatialParams('kernel', kernel),
        ...spatialParams('stride', stride),
        ...spatialParams('padding', padding),
        planes,
        brick_planes: brickPlanes,
        brick_columns: 4 * brickQuads,
        bricks_per_plane: bricksPerPlane,
        first_brick: unit.first * bricksPerPlane,
      },
      bindings: { ...windows(unit), partials: whole(partials) },
      threads: [
        from.channels * kernel[0] * (kernel[1] / rows),
        Math.ceil(to.channels / tile),
        (unit.end - unit.first) * bricksPerPlane,
      ],
    }))
  }
  const work = {
    planes: units,
    reads: (value: Value, slab: Slab) => (value === input ? reads(slab) : slab),
    emit: (_: Value, device: DeviceTraits, range: Slab) => calls(device, range),
    finish: (gradWeight: Value) => [sumColumns(partials, gradWeight)],
  }
  return op({
    name,
    inputs: { input, gradOutput },
    output: { shape: weight.shape, layout: 'flat' },
    scratch: [partials],
    parameter: weight,
    ...(brickPlanes > 1 ? uncut(work) : slicedUnlessFew(from.planes, work)),
  })
}
