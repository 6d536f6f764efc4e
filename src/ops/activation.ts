import { elementwiseOp } from '../graph/elementwise.js'
import type { Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'

/** x where x > 0, negativeSlope x elsewhere; as `torch.nn.functional.leaky_relu`. */
export function leakyRelu(input: Value, negativeSlope = 0.01): Value {
  return apply('leaky_relu', input, { alpha: negativeSlope })
}

/** x Phi(x), Phi being the distribution function of the standard normal: PyTorch's default `gelu`. */
export function gelu(input: Value): Value {
  return apply('gelu', input)
}

/** x sigmoid(x), also called swish. */
export function silu(input: Value): Value {
  return apply('silu', input)
}

/** 1 / (1 + e^-x). A convolution applies it at no cost: see the `activation` of `conv3d`. */
export function sigmoid(input: Value): Value {
  return apply('sigmoid', input)
}

/** Hyperbolic tangent, as `torch.tanh`. */
export function tanh(input: Value): Value {
  return apply('tanh', input)
}

/** log(1 + e^x). */
export function softplus(input: Value): Value {
  return apply('softplus', input)
}

/** x where x > 0, alpha (e^x - 1) elsewhere. */
export function elu(input: Value, alpha = 1): Value {
  return apply('elu', input, { alpha })
}

/** -x, as `torch.neg`. */
export function negate(input: Value): Value {
  return apply('negate', input)
}

/** e^x; 0 below -87, e^88 above 88. */
export function exp(input: Value): Value {
  return apply('exp', input, { wide: true })
}

/** Natural logarithm, as `torch.log`: -infinity of 0, NaN of negative numbers. */
export function log(input: Value): Value {
  return apply('log', input, { alpha: NaN, beta: -Infinity })
}

/** Square root of numbers that are not negative. The gradient at 0 is infinite. */
export function sqrt(input: Value): Value {
  return apply('sqrt', input)
}

/** x^2, as `torch.square`; always stored as f32, because it may leave the range of f16. */
export function square(input: Value): Value {
  return apply('square', input, { wide: true })
}

/** |x|; its gradient at 0 is 0. */
export function abs(input: Value): Value {
  return apply('abs', input)
}

interface Options {
  readonly alpha?: number
  readonly beta?: number
  /** Whether results may leave the range of f16 if the input does not. */
  readonly wide?: true | undefined
}

/**
 * Applies a function of one number to every element.
 *
 * @param kind the lower-case name of a constant of shaders/common/activation_kinds.wgsl
 */
export function apply(kind: string, input: Value, { alpha = 0, beta = 0, wide }: Options = {}): Value {
  const settings = { consts: { KIND: kind.toUpperCase() }, params: { alpha, beta } }
  return elementwiseOp({
    ...settings,
    name: kind,
    shader: shaders.activationForward,
    inputs: { input },
    wide,
    backward: (gradOutput) => ({
      input: elementwiseOp({
        ...settings,
        name: `${kind} backward`,
        shader: shaders.activationBackward,
        inputs: { input, grad_output: gradOutput },
        result: 'grad_input',
      }),
    }),
  })
}
