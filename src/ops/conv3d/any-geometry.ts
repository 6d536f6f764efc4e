import type { OpSpec } from '../../graph/op.js'
import type { Value } from '../../graph/value.js'
import type { Triple } from '../shared/triple.js'
import { generalBackwardInput, generalBackwardWeight, generalForward, type Weights } from './general.js'
import { isStrided, type Geometry } from './geometry.js'
import { stridedBackwardWeight } from './strided-backward-weight.js'
import { stridedConvolution } from './strided.js'

/** Convolutions of any geometry, each by the strided kernels or by the general ones: `isStrided` says which. */

/** A convolution in one direction or the other, without its gradient. */
type Convolution = OpSpec<{
  readonly input: Value
  readonly weight: Value
  readonly bias: Value | undefined
  readonly packed?: Value
}>

/**
 * The convolution itself.
 *
 * @param extents of the output
 */
export function anyForward(
  name: string,
  input: Value,
  weights: Weights,
  geometry: Geometry,
  extents: Triple,
): Convolution {
  return isStrided(geometry)
    ? stridedConvolution(name, 'forward', input, weights, geometry, extents)
    : generalForward(name, input, weights, geometry, extents)
}

/**
 * The gradient with respect to its input; with a bias and an activation, it is also the transposed convolution.
 *
 * @param extents of the convolution's input
 */
export function anyBackwardInput(
  name: string,
  gradOutput: Value,
  weights: Weights,
  geometry: Geometry,
  extents: Triple,
): Convolution {
  return isStrided(geometry)
    ? stridedConvolution(name, 'backward', gradOutput, weights, geometry, extents)
    : generalBackwardInput(name, gradOutput, weights, geometry, extents)
}

/** The gradient with respect to its weights. */
export function anyBackwardWeight(
  name: string,
  input: Value,
  gradOutput: Value,
  weight: Value,
  geometry: Geometry,
): Value {
  const backwardWeight = isStrided(geometry) ? stridedBackwardWeight : generalBackwardWeight
  return backwardWeight(name, input, gradOutput, weight, geometry)
}
