import { defineNode, only, type KernelCall, type SlicesSpec } from '../../graph/node.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { volumeShape, type Shape, type Value } from '../../graph/value.js'
import { linearGroups, planesOf, slabs, whole, widened, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { chooseTile, lanesOf, tellingLanes, type Tile } from './tile.js'
import { unrollForward } from './unroll-forward.js'

/** What is applied to the result of a convolution: nothing, max(x, 0), or 1 / (1 + exp(-x)). */
export type Activation = 'none' | 'relu' | 'sigmoid'

/** Floats that every WebGPU device shows as a uniform buffer. */
const uniformFloats = 16384

/** Weights in the order of shaders/conv3d/forward.wgsl. */
export interface PackedWeights {
  /** As large as a uniform buffer may be wherever they fit one: layers of different width can then share a kernel. */
  readonly value: Value
  readonly inputs: number
  readonly outputs: number
  readonly kernel: readonly [number, number, number]
}

/** [Co, Ci, kD, kH, kW] of a weight's shape, which may leave out a kernel of one voxel. */
export function kernelShape([co, ci, kd = 1, kh = 1, kw = 1]: Shape): readonly [
  number,
  number,
  number,
  number,
  number,
] {
  return [co!, ci!, kd, kh, kw]
}

/** Packs weights (and the bias) for a forward convolution, or flipped and transposed for its input's gradient. */
export function packWeights(
  weight: Value,
  bias: Value | undefined,
  direction: 'forward' | 'backward',
): PackedWeights {
  const [co, ci, kd, kh, kw] = kernelShape(weight.shape)
  const [inputs, outputs] = direction === 'forward' ? [ci, co] : [co, ci]
  const taps = kd * kh * kw
  const count = (taps * inputs + 1) * Math.ceil(outputs / 4) * 4
  const value = only(
    defineNode({
      op: 'conv3d pack weights',
      inputs: bias ? [weight, bias] : [weight],
      outputs: [{ name: `${weight.name} packed`, shape: [Math.max(count, uniformFloats)] }],
      emit: ([output]) => [
        {
          shader: shaders.conv3dPackWeights,
          flags: { BIAS: bias !== undefined, TRANSPOSE: direction === 'backward' },
          params: { taps, inputs, outputs, count },
          bindings: { weight: whole(weight), ...(bias ? { bias: whole(bias) } : {}), packed: whole(output!) },
          workgroups: linearGroups(count),
        },
      ],
    }),
  )
  return { value, inputs, outputs, kernel: [kd, kh, kw] }
}

/** How a convolution that keeps the size is cut along depth: beside the planes themselves it reads a halo. */
export function convolutionPlanes(
  input: Value,
  kernelDepth: number,
  coarse?: Value,
): Pick<SlicesSpec, 'planes' | 'reads'> {
  const halo = (kernelDepth - 1) / 2
  return {
    planes: volumeShape(input).planes,
    reads: (value, slab) =>
      value === input
        ? widened(slab, halo)
        : value === coarse
          ? coarsened(widened(slab, halo))
          : value.layout === 'volume'
            ? slab
            : undefined,
  }
}

/** The planes of half the resolution that some planes are upsampled from. */
export function coarsened({ first, last }: Slab): Slab {
  return { first: Math.floor(first / 2), last: Math.ceil(last / 2) }
}

/** What one convolution reads and writes. */
export interface Convolution {
  readonly input: Value
  /** A volume of half the resolution whose upsampled channels come before those of `input`. */
  readonly coarse?: Value | undefined
  readonly packed: PackedWeights
  readonly output: Value
  /** A volume that takes the first output channels, `output` the others. */
  readonly firstOutput?: Value | undefined
  /** The output of a ReLU whose gradient the output is: none passes where it is 0. */
  readonly mask?: Value | undefined
  readonly activation: Activation
  /** Another tile than the device's own, to compare them. */
  readonly tile?: Tile
}

/** The dispatches of one convolution for some planes. */
export function convolve(convolution: Convolution, device: DeviceTraits, range: Slab): KernelCall[] {
  const { input, coarse, packed, output, firstOutput, mask, activation } = convolution
  const { depth, height, width, voxels, channels } = volumeShape(input)
  const { outputs, kernel } = packed
  const tile = convolution.tile ?? chooseTile({ outputs, width, voxels, kernelWidth: kernel[2] }, device)
  const halo = (kernel[0] - 1) / 2
  const vector = width % 4 === 0 && tile.x % 4 === 0
  const uniform = packed.value.size <= uniformFloats
  const coarseVector = coarse !== undefined && vector && width % 8 === 0
  const lanes = lanesOf(device)
  // A GPU reads a weight once for all lanes by itself; a driver of the CPU reads it for each of them.
  const subgroup = device.software ? tellingLanes(device) : 0
  const windows = (slab: Slab) => ({
    input: planesOf(input, widened(slab, halo)),
    output: planesOf(output, slab),
    ...(coarse ? { coarse: planesOf(coarse, coarsened(widened(slab, halo))) } : {}),
    ...(firstOutput ? { first_output: planesOf(firstOutput, slab) } : {}),
    ...(mask ? { mask: planesOf(mask, slab) } : {}),
  })
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
      SIGMOID: activation === 'sigmoid',
      SUBGROUPS: subgroup > 0,
    },
    consts: {
      KD: kernel[0],
      KH: kernel[1],
      KW: kernel[2],
      TILE_X: tile.x,
      TILE_CO: tile.channels,
      LANES: lanes,
      PACKED: uniform ? uniformFloats / 4 : 1,
    },
    generated: unrollForward({
      ...tile,
      whole: outputs % tile.channels === 0,
      kernelWidth: kernel[2],
      vector,
      coarseVector,
      subgroup,
    }),
    params: {
      inputs: channels,
      outputs: volumeShape(output).channels,
      depth,
      height,
      width,
      first_plane: slab.first,
      weight_groups: Math.ceil(outputs / 4),
      relu: activation === 'relu' ? 1 : 0,
      ...(coarse ? { coarse_inputs: volumeShape(coarse).channels } : {}),
      ...(first ? { first_outputs: first } : {}),
    },
    bindings: { ...windows(slab), packed: whole(packed.value) },
    workgroups: [
      Math.ceil((height * Math.ceil(width / tile.x)) / lanes),
      Math.ceil(outputs / tile.channels),
      slab.last - slab.first,
    ] as const,
  }))
}
