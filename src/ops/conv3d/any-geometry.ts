import type { OpSpec } from '../../graph/op.js'
import type { Value } from '../../graph/value.js'
import type { Triple } from '../shared/triple.js'
import { generalBackwardInput, generalBackwardWeight, generalForward, type Weights } from './general.js'
import { isUnrollable, type Geometry } from './geometry.js'
import { stridedBackwardWeight, stridedConvolution } from './strided.js'

type Convolution = OpSpec<{
  readonly input: Value
  readonly weight: Value
  readonly bias: Value | undefined
  readonly packed?: Value
}>

export function anyForward(
  name: string,
  input: Value,
  weights: Weights,
  geometry: Geometry,
  extents: Triple,
): Convolution {
  return isUnrollable(geometry)
    ? stridedConvolution(name, 'forward', input, weights, geometry, extents)
    : generalForward(name, input, weights, geometry, extents)
}

export function anyBackwardInput(
  name: string,
  gradOutput: Value,
  weights: Weights,
  geometry: Geometry,
  extents: Triple,
): Convolution {
  return isUnrollable(geometry)
    ? stridedConvolution(name, 'backward', gradOutput, weights, geometry, extents)
    : generalBackwardInput(name, gradOutput, weights, geometry, extents)
}

export function anyBackwardWeight(
  name: string,
  input: Value,
  gradOutput: Value,
  weight: Value,
  geometry: Geometry,
): Value {
  return (isUnrollable(geometry) ? stridedBackwardWeight : generalBackwardWeight)(
    name,
    input,
    gradOutput,
    weight,
    geometry,
  )
}
