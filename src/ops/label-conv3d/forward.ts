import type { KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, widened, type Slab } from '../../graph/window.js'
import { activationSettings, type Activation } from '../conv3d/activation.js'
import { kernelShape } from '../conv3d/geometry.js'
import { largeVolume, tileWidth } from '../conv3d/tile.js'
import * as shaders from '../../generated/shaders.js'
import { unrollForward } from './unroll-forward.js'

/** Weights and bias as the look-up table of shaders/label_conv3d/forward.wgsl. */
export function packTable(weight: Value, bias: Value | undefined): Value {
  const [outputs, classes, kd, kh, kw] = kernelShape(weight.shape)
  const rowVectors = Math.ceil(kw / 4)
  const table = outputs * kd * kh * (classes + 1) * rowVectors
  const count = (table + outputs) * 4
  return op({
    name: 'label_conv3d pack weights',
    inputs: { weight, bias },
    output: { name: `${weight.name} packed`, shape: [count] },
    emit: (output) => [
      {
        shader: shaders.labelConv3dPackWeights,
        flags: { BIAS: bias !== undefined },
        params: {
          classes,
          kernel_rows: kd * kh,
          kernel_width: kw,
          row_vectors: rowVectors,
          table,
          count,
        },
        bindings: { weight: whole(weight), ...(bias ? { bias: whole(bias) } : {}), packed: whole(output) },
        threads: [count, 1, 1],
      },
    ],
  })
}

/** Outputs along a row that one invocation computes: there is one sum for each, so rows may be wide. */
function rowTile(voxels: number, width: number, kernelWidth: number, { software }: DeviceTraits): number {
  return tileWidth(software && voxels >= largeVolume ? 16 : 4, width, kernelWidth)
}

/** The dispatches of one convolution of labels for some planes. */
export function convolveLabels(
  labels: Value,
  weight: Value,
  packed: Value,
  output: Value,
  activation: Activation,
  device: DeviceTraits,
  range: Slab,
): KernelCall[] {
  const { depth, height, width, voxels } = volumeShape(labels)
  const [outputs, classes, kd, kh, kw] = kernelShape(weight.shape)
  const x = rowTile(voxels, width, kw, device)
  const vector = width % 4 === 0 && x % 4 === 0
  const halo = (kd - 1) / 2
  const activate = activationSettings(activation)
  const reads = (slab: Slab) => planesOf(labels, widened(slab, halo))
  const writes = (slab: Slab) => planesOf(output, slab)
  return slabs(range, device, (slab) => [reads(slab), writes(slab)]).map((slab) => ({
    shader: shaders.labelConv3dForward,
    flags: {
      UNIFORM_WEIGHTS: packed.bytes <= device.uniformBytes,
      VECTOR: vector,
      ...activate.flags,
    },
    consts: { KD: kd, KH: kh, KW: kw, TILE_X: x, PACKED: packed.size / 4 },
    generated: unrollForward({ x, kernelWidth: kw, vector, storeLoop: device.software }),
    params: {
      classes,
      outputs,
      depth,
      height,
      width,
      first_plane: slab.first,
      ...activate.params,
    },
    bindings: { labels: reads(slab), packed: whole(packed), output: writes(slab) },
    threads: [height * Math.ceil(width / x), outputs, slab.end - slab.first],
  }))
}
