import { scratch, type KernelCall } from '../../graph/node.js'
import { op, type OpSpec } from '../../graph/op.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { covered, covering, planesBehind, slicedUnlessFew, uncut } from '../shared/receptive.js'
import { sumColumns } from '../shared/reduce.js'
import { spatialParams, type Triple } from '../shared/triple.js'
import { activationSettings, type Activation } from './activation.js'
import { windowParams } from '../shared/window-params.js'
import { depthAxis, type Geometry } from './geometry.js'
import { balancedTile } from './tile.js'

/** Channels for which one invocation holds sums: four voxels of each. */
const mostChannels = 8
/** Channels for which one invocation holds sums of the weights' gradient: four entries of each, and their rows'. */
const mostWeightChannels = 4
/** Number of bricks to aim for, their least number of voxels, and the most partial sums to keep. */
const mostBricks = 1024
const leastBrick = 256
const mostPartials = 4e6

/** A convolution in one direction or the other, without its gradient. */
type Convolution = OpSpec<{ readonly input: Value; readonly weight: Value; readonly bias: Value | undefined }>

/** Weights [Co, Ci/groups, kD, kH, kW] with the bias and activation that follow them. */
export interface Weights {
  readonly weight: Value
  /** Of the channels that are computed. */
  readonly bias?: Value | undefined
  readonly activation?: Activation
}

/**
 * A convolution of any geometry, with general kernels; tuned.ts has the kernels for the geometry that keeps the size.
 *
 * @param extents of the output
 */
export function generalForward(
  name: string,
  input: Value,
  { weight, bias, activation = 'none' }: Weights,
  geometry: Geometry,
  extents: Triple,
): Convolution {
  const [batch] = input.shape
  const [channels] = weight.shape
  const ofGroup = channels! / geometry.groups
  const tile = balancedTile(ofGroup, mostChannels)
  const blocks = Math.ceil(ofGroup / tile)
  const { depth } = volumeShape(input)
  const activate = activationSettings(activation)
  const reads = (slab: Slab) => planesBehind(depth, extents[0], covered(depthAxis(geometry)), slab)
  return {
    name,
    inputs: { input, weight, bias },
    output: { shape: [batch!, channels!, ...extents] },
    ...slicedUnlessFew(batch! * depth, {
      planes: batch! * extents[0],
      costly: true,
      reads: (value, slab) => (value === input ? reads(slab) : undefined),
      emit: (output, device, range) => {
        const [, height, width] = extents
        const windows = (slab: Slab) => ({
          input: planesOf(input, reads(slab)),
          output: planesOf(output, slab),
        })
        return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab): KernelCall => ({
          shader: shaders.conv3dGeneralForward,
          flags: { BIAS: bias !== undefined, ...activate.flags },
          consts: { TILE_CO: tile },
          params: {
            ...geometryParams(input, output, geometry),
            blocks,
            ...activate.params,
            first_plane: slab.first,
          },
          bindings: { ...windows(slab), weight: whole(weight), ...(bias ? { bias: whole(bias) } : {}) },
          threads: [height * Math.ceil(width / 4), geometry.groups * blocks, slab.end - slab.first],
        }))
      },
    }),
  }
}

/**
 * The gradient of a convolution with respect to its input; with a bias and an activation, it is also the transposed
 * convolution.
 *
 * @param extents of the convolution's input
 */
export function generalBackwardInput(
  name: string,
  gradOutput: Value,
  { weight, bias, activation = 'none' }: Weights,
  geometry: Geometry,
  extents: Triple,
): Convolution {
  const [batch] = gradOutput.shape
  const ofGroup = weight.shape[1]!
  const tile = balancedTile(ofGroup, mostChannels)
  const blocks = Math.ceil(ofGroup / tile)
  const [, , stride] = geometry.stride
  const { depth } = volumeShape(gradOutput)
  const activate = activationSettings(activation)
  const reads = (slab: Slab) => planesBehind(depth, extents[0], covering(depthAxis(geometry)), slab)
  return {
    name,
    inputs: { input: gradOutput, weight, bias },
    output: { shape: [batch!, ofGroup * geometry.groups, ...extents] },
    planes: batch! * extents[0],
    costly: true,
    reads: (value, slab) => (value === gradOutput ? reads(slab) : undefined),
    emit: (gradInput, device, range) => {
      const [, height, width] = extents
      const windows = (slab: Slab) => ({
        grad_output: planesOf(gradOutput, reads(slab)),
        grad_input: planesOf(gradInput, slab),
      })
      return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab): KernelCall => ({
        shader: shaders.conv3dGeneralBackwardInput,
        flags: { BIAS: bias !== undefined, ...activate.flags },
        consts: { TILE_CI: tile },
        params: {
          ...geometryParams(gradInput, gradOutput, geometry),
          blocks,
          ...activate.params,
          first_plane: slab.first,
        },
        bindings: { ...windows(slab), weight: whole(weight), ...(bias ? { bias: whole(bias) } : {}) },
        threads: [
          height * stride * Math.ceil(width / (4 * stride)),
          geometry.groups * blocks,
          slab.end - slab.first,
        ],
      }))
    },
  }
}

/** The gradient of a convolution with respect to its weights. */
export function generalBackwardWeight(
  name: string,
  input: Value,
  gradOutput: Value,
  weight: Value,
  geometry: Geometry,
): Value {
  const { channels, planes, depth, area, height } = volumeShape(gradOutput)
  const columns = weight.size
  const ofGroup = channels / geometry.groups
  const tile = balancedTile(ofGroup, mostWeightChannels)
  const blocks = Math.ceil(ofGroup / tile)
  const fours = Math.ceil(columns / channels / 4)

  // A brick is some rows of a plane or, if weights outnumber voxels, some planes, to keep fewer partial sums.
  const brickPlanes = Math.min(planes, Math.ceil((planes * columns) / mostPartials))
  const wanted = Math.floor(Math.min(mostBricks / planes, mostPartials / columns / planes, area / leastBrick))
  const brickRows = Math.ceil(height / Math.max(1, Math.min(height, wanted)))
  const bricksPerPlane = Math.ceil(height / brickRows)
  const units = Math.ceil(planes / brickPlanes)
  const partials = scratch('conv3d weight partials', [units * bricksPerPlane, columns])

  const gradientPlanes = (unit: Slab): Slab => ({
    first: unit.first * brickPlanes,
    end: Math.min(planes, unit.end * brickPlanes),
  })
  const reads = (slab: Slab) =>
    planesBehind(volumeShape(input).depth, depth, covered(depthAxis(geometry)), slab)
  const calls = (device: DeviceTraits, range: Slab): KernelCall[] => {
    const windows = (unit: Slab) => ({
      input: planesOf(input, reads(gradientPlanes(unit))),
      grad_output: planesOf(gradOutput, gradientPlanes(unit)),
    })
    return slabs(range, device, (unit) => Object.values(windows(unit))).map((unit): KernelCall => ({
      shader: shaders.conv3dGeneralBackwardWeight,
      consts: { TILE_CO: tile },
      params: {
        ...geometryParams(input, gradOutput, geometry),
        blocks,
        planes,
        brick_planes: brickPlanes,
        brick_rows: brickRows,
        bricks_per_plane: bricksPerPlane,
        first_brick: unit.first * bricksPerPlane,
      },
      bindings: { ...windows(unit), partials: whole(partials) },
      threads: [geometry.groups * blocks * fours, (unit.end - unit.first) * bricksPerPlane, 1],
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
    ...(brickPlanes > 1 ? uncut(work) : slicedUnlessFew(volumeShape(input).planes, work)),
  })
}

/** Parameters of all three kernels; `input` and `output` are those of the convolution, or their gradients. */
function geometryParams(input: Value, output: Value, geometry: Geometry): Record<string, number> {
  const [inputs, outputs] = [volumeShape(input).channels, volumeShape(output).channels]
  return {
    in_channels: inputs,
    out_channels: outputs,
    group_inputs: inputs / geometry.groups,
    group_outputs: outputs / geometry.groups,
    ...windowParams(input, output, geometry),
    ...spatialParams('dilation', geometry.dilation),
  }
}
