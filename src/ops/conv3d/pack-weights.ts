import * as shaders from '../../generated/shaders.js'
import { op } from '../../graph/op.js'
import type { Value } from '../../graph/value.js'
import { whole } from '../../graph/window.js'
import { kernelShape } from './geometry.js'

/** Floats that fit into a uniform buffer on every WebGPU device. */
export const uniformFloats = 16384

/** Weights in the order of shaders/conv3d/forward.wgsl. */
export interface PackedWeights {
  /** Padded to the size of a uniform buffer if they fit into one, so that layers of different width share a kernel. */
  readonly value: Value
  readonly inputs: number
  readonly outputs: number
  readonly kernel: readonly [number, number, number]
}

/**
 * Packs weights (and the bias) for a forward convolution, or flipped and transposed for its input's gradient.
 *
 * @param coarse the first input channels that come from an upsampled volume; only forward
 */
export function packWeights(
  weight: Value,
  bias: Value | undefined,
  direction: 'forward' | 'backward',
  coarse = 0,
): PackedWeights {
  const [co, ci, kd, kh, kw] = kernelShape(weight.shape)
  const [inputs, outputs] = direction === 'forward' ? [ci, co] : [co, ci]
  const taps = kd * kh * kw
  // Along each axis, (K + 1) / 2 coarse voxels are in reach of an even position, and of an odd one.
  const coarseTaps = [kd, kh, kw].reduce((product, extent) => product * (extent + 1), 1)
  const rows = coarseTaps * coarse + taps * (inputs - coarse)
  const count = (rows + 1) * Math.ceil(outputs / 4) * 4
  const value = op({
    name: 'conv3d pack weights',
    inputs: { weight, bias },
    output: { name: `${weight.name} packed`, shape: [Math.max(count, uniformFloats)] },
    emit: (output) => [
      {
        shader: shaders.conv3dPackWeights,
        flags: { BIAS: bias !== undefined, TRANSPOSE: direction === 'backward' },
        params: { kd, kh, kw, taps, inputs, coarse_inputs: coarse, outputs, count },
        bindings: { weight: whole(weight), ...(bias ? { bias: whole(bias) } : {}), packed: whole(output) },
        threads: [count],
      },
    ],
  })
  return { value, inputs, outputs, kernel: [kd, kh, kw] }
}
