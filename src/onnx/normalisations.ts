import { Value } from '../graph/value.js'
import { normaliseBatch } from '../nn/norm-layers.js'
import {
  add,
  divide,
  expand,
  groupNorm,
  instanceNorm,
  mean,
  multiply,
  reshape,
  sqrt,
  square,
  subtract,
  sum,
} from '../ops/index.js'
import type { Call, Operator } from './call.js'
import { spatialInput } from './convolutions.js'
import { asFlat, tensorOf, volumeAxis, volumeTensor } from './tensor.js'

export const normalisations: Readonly<Record<string, Operator>> = {
  InstanceNormalization: {
    weights: [1, 2],
    build: (call) => {
      const { input, rank } = spatialInput(call)
      const [weight, bias] = [asFlat(call.device(1)), asFlat(call.device(2))]
      return volumeTensor(instanceNorm(input, { weight, bias, epsilon: call.number('epsilon', 1e-5) }), rank)
    },
  },
  GroupNormalization: {
    weights: [1, 2],
    build: (call) => {
      const { input, rank } = spatialInput(call)
      const groups = call.number('num_groups', 0)
      call.expect('stash_type', 1)
      const channels = input.shape[1]!
      // Before opset 21, a group had one scale and one bias.
      const ofChannels = (value: Value) =>
        value.size === groups && groups < channels
          ? reshape(expand(reshape(value, [groups, 1]), [groups, channels / groups]), [channels])
          : value
      const [weight, bias] = [ofChannels(asFlat(call.device(1))), ofChannels(asFlat(call.device(2)))]
      const options = { epsilon: call.number('epsilon', 1e-5) }
      return volumeTensor(groupNorm(input, groups, weight, bias, options), rank)
    },
  },
  BatchNormalization: {
    weights: [1, 2],
    build: (call) => {
      const { input, rank } = spatialInput(call)
      call.expect('training_mode', 0)
      const [weight, bias, meanValue, variance] = [1, 2, 3, 4].map((i) => asFlat(call.device(i))) as [
        Value,
        Value,
        Value,
        Value,
      ]
      // ONNX weighs the old statistics, PyTorch the new ones.
      const options = { epsilon: call.number('epsilon', 1e-5), momentum: 1 - call.number('momentum', 0.9) }
      const running = { mean: meanValue, variance }
      return volumeTensor(normaliseBatch(input, running, weight, bias, options), rank)
    },
  },
  LayerNormalization: {
    weights: [1, 2],
    build: (call) => {
      const input = call.device(0)
      const rank = input.dims.length
      call.expect('stash_type', 1)
      if (call.operation.outputs.length > 1) call.fail('its mean and deviation cannot be read')
      const first = call.axis(call.number('axis', -1), rank)
      const axes = Array.from({ length: rank - first }, (_, i) => first + i)
      return tensorOf(overAxes(call, asFlat(input), axes, call.number('epsilon', 1e-5)))
    },
  },
  LpNormalization: {
    build: (call) => {
      const { dims, value } = call.device(0)
      call.expect('p', 2)
      const axis = call.axis(call.number('axis', -1), dims.length)
      const axes = [value.layout === 'volume' ? volumeAxis(axis, dims.length) : axis]
      return tensorOf(divide(value, sqrt(sum(square(value), { axes, keepDims: true }))), dims)
    },
  },
}

function overAxes(call: Call, input: Value, axes: readonly number[], epsilon: number): Value {
  const last = { axes, keepDims: true }
  const centred = subtract(input, mean(input, last))
  const normalised = divide(centred, sqrt(add(mean(square(centred), last), epsilon)))
  const scaled = multiply(normalised, asFlat(call.device(1)))
  return call.optional(2) ? add(scaled, asFlat(call.device(2))) : scaled
}
