import { defineNode, only, type DeviceTraits, type KernelCall, type SlicesSpec } from '../../autograd/node.js'
import { volumeShape, type Shape, type Value } from '../../autograd/value.js'
import { planes, slabs, whole, widened, type Slab } from '../../autograd/window.js'
import { channelGroups, chooseTile, type Tile } from './tile.js'
import { unrollForward } from './unroll-forward.js'

export type Activation = 'none' | 'relu' | 'sigmoid'

/** Weights in the order of shaders/conv3d/forward.wgsl, with the tile that this order is made for. */
export interface PackedWeights {
  readonly value: Value
  readonly tile: Tile
  readonly inputs: number
  readonly outputs: number
  readonly kernel: readonly [number, number, number]
  /** vec4 groups of one (tap, input channel). */
  readonly groups: number
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
  width: number,
  direction: 'forward' | 'backward',
): PackedWeights {
  const [co, ci, kd, kh, kw] = kernelShape(weight.shape)
  const [inputs, outputs] = direction === 'forward' ? [ci, co] : [co, ci]
  const tile = chooseTile(outputs, width, kw)
  const blocks = Math.ceil(outputs / tile.channels)
  const groups = blocks * channelGroups(tile.channels).length
  const taps = kd * kh * kw
  const count = (taps * inputs + 1) * groups * 4
  const value = only(
    defineNode({
      op: 'conv3d pack weights',
      inputs: bias ? [weight, bias] : [weight],
      outputs: [{ name: `${weight.name} packed`, shape: [count] }],
      emit: ([output]) => [
        {
          shader: 'conv3d/pack_weights',
          flags: { BIAS: bias !== undefined, TRANSPOSE: direction === 'backward' },
          params: { taps, inputs, outputs, tile: tile.channels, blocks, count },
          bindings: { weight: whole(weight), ...(bias ? { bias: whole(bias) } : {}), packed: whole(output!) },
          workgroups: [Math.ceil(count / 64), 1, 1],
        },
      ],
    }),
  )
  return { value, tile, inputs, outputs, kernel: [kd, kh, kw], groups }
}

/** How a convolution that keeps the size is cut along depth: beside the planes themselves it reads a halo. */
export function convolutionPlanes(input: Value, kernelDepth: number): Pick<SlicesSpec, 'planes' | 'reads'> {
  const halo = (kernelDepth - 1) / 2
  return {
    planes: volumeShape(input).planes,
    reads: (value, slab) =>
      value === input ? widened(slab, halo) : value.layout === 'volume' ? slab : undefined,
  }
}

/** The dispatches of one convolution for some planes. */
export function convolve(
  input: Value,
  packed: PackedWeights,
  output: Value,
  activation: Activation,
  device: DeviceTraits,
  range: Slab,
): KernelCall[] {
  const { depth, height, width } = volumeShape(input)
  const { tile, inputs, outputs, kernel, groups } = packed
  const halo = (kernel[0] - 1) / 2
  const vector = width % 4 === 0 && tile.x % 4 === 0
  const reads = ({ first, last }: Slab) => planes(input, first - halo, last + halo)
  const writes = ({ first, last }: Slab) => planes(output, first, last)
  return slabs(range, device, (slab) => [reads(slab), writes(slab)]).map((slab) => ({
    shader: 'conv3d/forward' as const,
    flags: {
      UNIFORM_WEIGHTS: packed.value.bytes <= device.uniformBytes,
      VECTOR: vector,
      RELU: activation === 'relu',
      SIGMOID: activation === 'sigmoid',
    },
    consts: {
      KD: kernel[0],
      KH: kernel[1],
      KW: kernel[2],
      TILE_X: tile.x,
      TILE_CO: tile.channels,
      PACKED: packed.value.size / 4,
    },
    generated: unrollForward({
      ...tile,
      whole: outputs % tile.channels === 0,
      kernelWidth: kernel[2],
      vector,
    }),
    params: { inputs, outputs, depth, height, width, first_plane: slab.first, weight_groups: groups },
    bindings: { input: reads(slab), packed: whole(packed.value), output: writes(slab) },
    workgroups: [
      Math.ceil((height * Math.ceil(width / tile.x)) / 64),
      Math.ceil(outputs / tile.channels),
      slab.last - slab.first,
    ] as const,
  }))
}
