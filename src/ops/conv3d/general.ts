import type { KernelCall } from '../../graph/node.js'
import type { OpSpec } from '../../graph/op.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { covered, covering, planesBehind, slicedUnlessFew } from '../shared/receptive.js'
import { spatialParams, type Triple } from '../shared/triple.js'
import { activationSettings, type Activation } from './activation.js'
import { windowParams } from '../shared/window-params.js'
import { depthAxis, type Geometry } from './geometry.js'
import { balancedTile } from './tile.js'
import { weightGradient } from './weight-gradient.js'

/** Channels for which one invocation holds sums: four voxels of each. */
const mostChannels = 8
/** Channels for which one invocation holds sums of the weights' gradient: four entries of each, and their rows'. */
const mostWeightChannels = 4

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
  const { channels, height } = volumeShape(gradOutput)
  const ofGroup = channels / geometry.groups
  const tile = balancedTile(ofGroup, mostWeightChannels)
  const blocks = Math.ceil(ofGroup / tile)
  const fours = Math.ceil(weight.size / channels / 4)
  return weightGradient({
    ...{ name, input, gradOutput, weight, geometry },
    positions: height,
    kernel: (_, rows) => ({
      shader: shaders.conv3dGeneralBackwardWeight,
      consts: { TILE_CO: tile },
      params: { ...geometryParams(input, gradOutput, geometry), blocks, brick_rows: rows },
      threadsOf: (bricks) => [geometry.groups * blocks * fours, bricks, 1],
    }),
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
