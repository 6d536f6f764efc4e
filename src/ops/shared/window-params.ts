import { volumeShape, type Value } from '../../graph/value.js'
import { spatialParams, type Triple } from './triple.js'
import { extentParams } from './extent-params.js'

/** Windows of a kernel or a pool along D, H and W. */
interface Windows {
  readonly kernel: Triple
  readonly stride: Triple
  readonly padding: Triple
}

/** Parameters of kernels with windows: extents (`in` and `out`, or those of their gradients), kernel, stride, padding. */
export function windowParams(
  input: Value,
  output: Value,
  { kernel, stride, padding }: Windows,
): Record<string, number> {
  const [from, to] = [volumeShape(input), volumeShape(output)]
  return {
    ...extentParams(from, to),
    ...spatialParams('kernel', kernel),
    ...spatialParams('stride', stride),
    ...spatialParams('padding', padding),
  }
}
