import { customGradient } from '../graph/custom-gradient.js'
import type { Value } from '../graph/value.js'
import { divide, equal, multiply } from './arithmetic.js'
import { reshape } from './reshape.js'
import { keptForm, type AxesOptions } from './shared/axes.js'
import { requireNumbers } from './shared/broadcast.js'
import { largestAlong } from './sum-axes.js'
import { sum } from './sum.js'

/**
 * The largest number along some axes, or of all elements, as `torch.amax`. If several numbers are the largest, they share
 * the gradient equally. What becomes of NaN is not specified.
 *
 * @returns a scalar [1] if no axes remain; else a value with the other axes, flat unless a volume keeps its axes
 * @throws Error if an axis does not exist or is named twice
 */
export function amax(input: Value, options: AxesOptions = {}): Value {
  return extreme('amax', input, options)
}

/** The smallest number along some axes, or of all elements, as `torch.amin`; see `amax`. */
export function amin(input: Value, options: AxesOptions = {}): Value {
  return multiply(extreme('amin', multiply(input, -1), options), -1)
}

function extreme(name: string, input: Value, options: AxesOptions): Value {
  requireNumbers(name, input)
  const { kept, form } = keptForm(name, input, options)
  const { layout } = input
  const axes = [...kept.keys()].filter((axis) => kept[axis] !== input.shape[axis])
  const largest = customGradient(
    { input },
    ({ input }) => largestAlong(name, input, kept, { shape: kept, layout }),
    (gradOutput, output, { input }) => {
      const reached = equal(input, output)
      const share = divide(gradOutput, sum(reached, { axes, keepDims: true }))
      return { input: multiply(reached, share) }
    },
  )
  return options.keepDims ? largest : reshape(largest, form.shape, { layout: form.layout })
}
