import { atLayer } from '../graph/layer.js'
import { parameter, type Value } from '../graph/value.js'
import { sameConv3d } from '../ops/conv3d/same.js'
import { conv3d, type Activation, type Conv3dOptions, type UpsampledAndSkip } from '../ops/index.js'

/** A convolution with its parameters. */
export interface ConvLayer<Options = Conv3dOptions> {
  /** Weight [outputs, inputs, 3, 3, 3] and bias [outputs]. */
  readonly parameters: readonly Value[]
  (input: Value | UpsampledAndSkip, options?: Options): Value
}

/**
 * A 3x3x3 convolution with bias; parameters NAME.weight [outputs, inputs, 3, 3, 3] and NAME.bias [outputs], drawn
 * uniformly from +-1/sqrt(27 inputs), PyTorch's default. Keeps the spatial size by default.
 */
export function convLayer(name: string, inputs: number, outputs: number, random: () => number): ConvLayer {
  return layer(name, inputs, outputs, random, (input, weight, bias, options) =>
    conv3d(input, weight, bias, { padding: 'same', ...options }),
  )
}

/** The same layer, which always keeps the size, for programs that load the kernels for no other. */
export function sameConvLayer(
  name: string,
  inputs: number,
  outputs: number,
  random: () => number,
): ConvLayer<{ readonly activation?: Activation }> {
  return layer(name, inputs, outputs, random, sameConv3d)
}

function layer<Options>(
  name: string,
  inputs: number,
  outputs: number,
  random: () => number,
  convolve: (input: Value | UpsampledAndSkip, weight: Value, bias: Value, options?: Options) => Value,
): ConvLayer<Options> {
  const bound = 1 / Math.sqrt(27 * inputs)
  const draw = (length: number) => Float32Array.from({ length }, () => (2 * random() - 1) * bound)
  const weight = parameter(`${name}.weight`, [outputs, inputs, 3, 3, 3], draw(27 * inputs * outputs))
  const bias = parameter(`${name}.bias`, [outputs], draw(outputs))
  const apply = (input: Value | UpsampledAndSkip, options?: Options) =>
    atLayer(name, () => convolve(input, weight, bias, options))
  return Object.assign(apply, { parameters: [weight, bias] })
}
