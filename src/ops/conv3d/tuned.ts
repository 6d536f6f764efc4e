import * as shaders from '../../generated/shaders.js'
import type { Tile } from '../../gpu/tiles.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import type { Choice, KernelCall } from '../../graph/node.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, widened, type Slab } from '../../graph/window.js'
import type { Triple } from '../shared/triple.js'
import { supportThreshold } from '../support-mask.js'
import { activationSettings, type Activation } from './activation.js'
import { coarsened } from './geometry.js'
import { uniformFloats, type PackedWeights } from './pack-weights.js'
import { broadcastLanes, lanesOf } from '../shared/lanes.js'
import { chooseTile, wholeTile } from './tile.js'
import { unrollForward } from './unroll-forward.js'

/** What one convolution reads and writes. */
export interface Convolution {
  readonly input: Value
  /** A volume of half the resolution whose upsampled channels come before those of `input`. */
  readonly coarse?: Value | undefined
  readonly packed: PackedWeights
  readonly output: Value
  /** A volume that takes the first output channels, `output` the others. */
  readonly firstOutput?: Value | undefined
  /** The output of a ReLU, if this convolution computes its gradient: the result is 0 where the ReLU's output is 0. */
  readonly mask?: Value | undefined
  readonly activation: Activation
  /** If the output is the argmax of the channels: how it is chosen. All of them must fit into one tile. */
  readonly choice?: Choice | undefined
  /** Voxels from one tap to the next. Default 1; an upsampled input allows no other. */
  readonly dilation?: Triple
  /** A tile other than the device's default, to compare the two. */
  readonly tile?: Tile
}

/** The dispatches of one convolution for some planes. */
export function convolve(convolution: Convolution, device: DeviceTraits, range: Slab): KernelCall[] {
  const { input, coarse, packed, output, firstOutput, mask, choice, activation } = convolution
  const { dilation = [1, 1, 1] } = convolution
  const { depth, height, width, voxels, channels } = volumeShape(input)
  const { outputs, kernel } = packed
  const problem = { outputs, width, voxels, kernelWidth: kernel[2] }
  const chosen = convolution.tile ?? (choice ? wholeTile(problem, device) : chooseTile(problem, device))
  // Tiles of an upsampled input start at even positions.
  const tile = coarse ? { ...chosen, x: Math.max(2, chosen.x) } : chosen
  const halo = ((kernel[0] - 1) / 2) * dilation[0]
  const vector = width % 4 === 0 && tile.x % 4 === 0
  const uniform = packed.value.size <= uniformFloats
  const coarseVector = coarse !== undefined && width % 8 === 0 && tile.x % 8 === 0
  const lanes = lanesOf(device)
  const subgroup = broadcastLanes(device)
  const windows = (slab: Slab) => ({
    input: planesOf(input, widened(slab, halo)),
    output: planesOf(output, slab),
    ...(coarse ? { coarse: planesOf(coarse, coarsened(widened(slab, halo))) } : {}),
    ...(firstOutput ? { first_output: planesOf(firstOutput, slab) } : {}),
    ...(mask ? { mask: planesOf(mask, slab) } : {}),
    ...(choice?.prior ? { prior: planesOf(choice.prior, slab) } : {}),
  })
  const tilesPerRow = Math.ceil(width / tile.x)
  // Rows of either parity take whole workgroups.
  const threads = coarse ? 2 * lanes * Math.ceil(((height / 2) * tilesPerRow) / lanes) : height * tilesPerRow
  const activate = activationSettings(activation)
  const first = firstOutput && volumeShape(firstOutput).channels
  return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
    shader: shaders.conv3dForward,
    flags: {
      UNIFORM_WEIGHTS: uniform,
      VECTOR: vector,
      UPSAMPLED: coarse !== undefined,
      COARSE_VECTOR: coarseVector,
      SPLIT: firstOutput !== undefined,
      MASK: mask !== undefined,
      ARGMAX: choice !== undefined,
      PRIOR: choice?.prior !== undefined,
      LOG_PRIOR: choice !== undefined && choice.least > 0,
      SUBGROUPS: subgroup > 0,
      ...activate.flags,
    },
    consts: {
      KD: kernel[0],
      KH: kernel[1],
      KW: kernel[2],
      DD: dilation[0],
      DH: dilation[1],
      TILE_X: tile.x,
      TILE_CO: tile.channels,
      LANES: lanes,
      PACKED: uniform ? uniformFloats / 4 : 1,
    },
    generated: unrollForward({
      ...tile,
      whole: outputs % tile.channels === 0,
      kernelWidth: kernel[2],
      dilation: dilation[2],
      vector,
      coarseVector,
      subgroup,
      storeLoop: device.software,
      choice,
    }),
    params: {
      inputs: channels,
      outputs: choice ? outputs : volumeShape(output).channels,
      depth,
      height,
      width,
      first_plane: slab.first,
      weight_groups: Math.ceil(outputs / 4),
      ...activate.params,
      ...(coarse ? { coarse_inputs: volumeShape(coarse).channels } : {}),
      ...(first ? { first_outputs: first } : {}),
      ...(choice?.prior ? { threshold: supportThreshold, least: choice.least } : {}),
    },
    bindings: { ...windows(slab), packed: whole(packed.value) },
    threads: [threads, Math.ceil(outputs / tile.channels), slab.end - slab.first],
  }))
}
