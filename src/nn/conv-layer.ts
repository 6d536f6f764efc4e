import { atLayer } from '../graph/layer.js'
import { parameter, type Value } from '../graph/value.js'
import { conv3d, type Conv3dOptions, type UpsampledAndSkip } from '../ops/index.js'

/** A convolution with its parameters. */
export interface ConvLayer {
  /** Weight [outputs, inputs, 3, 3, 3] and bias [outputs]. */
  readonly parameters: readonly Value[]
  (input: Value | UpsampledAndSkip, options?: Conv3dOptions): Value
}

/**
 * A 3x3x3 convolution with bias; parameters NAME.weight [outputs, inputs, 3, 3, 3] and NAME.bias [outputs], drawn
 * uniformly from +-1/sqrt(27 inputs), PyTorch's default. Keeps the spatial size by default.
 */
export function convLayer(name: string, inputs: number, outputs: number, random: () => number): ConvLayer {
  const bound = 1 / Math.sqrt(27 * inputs)
  const draw = (length: number) => Float32Array.from({ length }, () => (2 * random() - 1) * bound)
  const weight = parameter(`${name}.weight`, [outputs, inputs, 3, 3, 3], draw(27 * inputs * outputs))
  const bias = parameter(`${name}.bias`, [outputs], draw(outputs))
  const apply = (input: Value | UpsampledAndSkip, options?: Conv3dOptions) =>
    atLayer(name, () => conv3d(input, weight, bias, { padding: 'same', ...options }))
  return Object.assign(apply, { parameters: [weight, bias] })
}
