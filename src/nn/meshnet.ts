import { atLayer } from '../graph/layer.js'
import { parameter, volumeShape, type Value } from '../graph/value.js'
import { conv3d, elu, gelu, instanceNorm, relu, sigmoid, tanh, type Triple } from '../ops/index.js'
import type { Network } from './layer.js'

/** A convolution of a MeshNet, with what follows it. */
export interface MeshNetLayer {
  /** Its parameters are called NAME.weight and NAME.bias. */
  readonly name: string
  /** [Co, Ci, kD, kH, kW], odd kernels. */
  readonly shape: readonly [number, number, number, number, number]
  /** Voxels from one tap of the kernel to the next, along D, H and W. */
  readonly dilation: Triple
  /** Whether each channel is then scaled to mean 0 and variance 1 over the volume (`instanceNorm`, epsilon 1e-5). */
  readonly normalised: boolean
  /** Applied last. */
  readonly activation: keyof typeof activations
  /** Of that shape, C order. */
  readonly weight: Float32Array
  /** [Co], if there is one. */
  readonly bias: Float32Array | undefined
}

const activations = {
  linear: (x: Value) => x,
  relu,
  elu: (x: Value) => elu(x),
  gelu,
  sigmoid,
  tanh,
}

/**
 * A MeshNet (Fedorov et al. 2017; Masoud et al. 2023, brainchop): a chain of dilated convolutions at full scale, each
 * padded with zeros so that it keeps the size. Input [N, Ci, D, H, W], output [N, Co, D, H, W] of the last layer.
 *
 * What a voxel gets depends on `reachOf(layers)` voxels on either side of it; on all of the volume if a layer is
 * normalised.
 *
 * @throws Error if a layer reads another number of channels than the one before it makes, or there are no layers
 */
export function meshNet(layers: readonly MeshNetLayer[]): Network {
  if (layers.length === 0) throw new Error('meshNet: at least one layer is needed')
  layers.forEach(({ name, shape }, i) => {
    const before = layers[i - 1]
    if (before && before.shape[0] !== shape[1])
      throw new Error(
        `meshNet: ${name} reads ${shape[1]} channels, but ${before.name} makes ${before.shape[0]}`,
      )
  })
  const applied = layers.map(({ name, shape, dilation, normalised, activation, ...given }) => {
    const weight = parameter(`${name}.weight`, shape, given.weight)
    const bias = given.bias && parameter(`${name}.bias`, [shape[0]], given.bias)
    const apply = (input: Value): Value =>
      atLayer(name, () => {
        const convolved = conv3d(input, weight, bias, { padding: 'same', dilation })
        return activations[activation](normalised ? instanceNorm(convolved) : convolved)
      })
    return { apply, parameters: bias ? [weight, bias] : [weight] }
  })
  const network = (input: Value): Value => {
    volumeShape(input, 'meshNet')
    return applied.reduce((value, { apply }) => apply(value), input)
  }
  return Object.assign(network, { parameters: applied.flatMap(({ parameters }) => parameters) })
}

/** How far a voxel's result depends on the input through the convolutions, in voxels along D, H and W. */
export function reachOf(layers: readonly Pick<MeshNetLayer, 'shape' | 'dilation'>[]): Triple {
  const along = (axis: 0 | 1 | 2): number =>
    layers.reduce((sum, { shape, dilation }) => sum + (dilation[axis] * (shape[2 + axis]! - 1)) / 2, 0)
  return [along(0), along(1), along(2)]
}
