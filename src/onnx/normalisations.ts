import { Value } from '../graph/value.js'
import { normaliseBatch } from '../nn/norm-layers.js'
import { add, divide, groupNorm, instanceNorm, mean, multiply, sqrt, square, subtract } from '../ops/index.js'
import type { Call, Operator } from './call.js'
import { spatialInput } from './convolutions.js'
import { asFlat, tensorOf, volumeTensor } from './tensor.js'

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
      const [weight, bias] = [asFlat(call.device(1)), asFlat(call.device(2))]
      if (weight.size !== input.shape[1])
        call.fail(`a scale for each of ${weight.size} groups (before opset 21) is not supported`)
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
      if (call.axis(call.number('axis', -1), rank) !== rank - 1) call.refuse('axis')
      return tensorOf(overLastAxis(call, asFlat(input), call.number('epsilon', 1e-5)))
    },
  },
}

function overLastAxis(call: Call, input: Value, epsilon: number): Value {
  const last = { axes: [-1], keepDims: true }
  const centred = subtract(input, mean(input, last))
  const normalised = divide(centred, sqrt(add(mean(square(centred), last), epsilon)))
  const scaled = multiply(normalised, asFlat(call.device(1)))
  return call.optional(2) ? add(scaled, asFlat(call.device(2))) : scaled
}
