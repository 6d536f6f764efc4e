import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { multiply } from './arithmetic.js'
import { planewise } from './shared/planewise.js'
import { mostRegisters, softmax } from './softmax.js'

/**
 * Logarithm of the sum of exponentials over channels, as `torch.logsumexp(input, 1, keepdim=True)`.
 *
 * @param input [N, C, D, H, W]
 * @returns [N, 1, D, H, W]
 */
export function logSumExp(input: Value): Value {
  const { batch, channels, depth, height, width, planes } = volumeShape(input, 'log_sum_exp')
  return op({
    name: 'log_sum_exp',
    inputs: { input },
    output: { shape: [batch, 1, depth, height, width] },
    planes,
    emit: (output, device, slab) =>
      planewise(
        {
          shader: shaders.logSumExpForward,
          flags: { IN_REGISTERS: channels <= mostRegisters },
          consts: { CHANNELS: channels },
          params: {},
          volumes: { input, output },
        },
        device,
        slab,
      ),
    backward: (gradOutput) => ({ input: multiply(softmax(input), gradOutput) }),
  })
}
