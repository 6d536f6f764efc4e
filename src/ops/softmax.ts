import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'

/** Channels that are kept in registers: lavapipe takes 16 s to compile the kernels of 128, 1 s for those of 32. */
export const mostRegisters = 32

/**
 * Softmax over channels, as `torch.softmax(input, 1)`.
 *
 * @param input [N, C, D, H, W]
 * @returns the same shape; channels of a voxel sum to 1
 */
export function softmax(input: Value): Value {
  return normalise(input, false)
}

/** Logarithm of the softmax over channels, as `torch.log_softmax(input, 1)`. */
export function logSoftmax(input: Value): Value {
  return normalise(input, true)
}

function normalise(input: Value, log: boolean): Value {
  const name = log ? 'log_softmax' : 'softmax'
  const { channels, planes } = volumeShape(input, name)
  const kernel = {
    flags: { LOG: log, IN_REGISTERS: channels <= mostRegisters },
    consts: { CHANNELS: channels },
    params: {},
  }
  return op({
    name,
    inputs: { input },
    output: { shape: input.shape, wide: log && input.wide },
    planes,
    emit: (output, device, slab) =>
      planewise({ ...kernel, shader: shaders.softmaxForward, volumes: { input, output } }, device, slab),
    backward: (gradOutput, output) => ({
      input: op({
        name: `${name} backward`,
        inputs: { output, gradOutput },
        output: { shape: input.shape },
        planes,
        emit: (gradInput, device, slab) =>
          planewise(
            {
              ...kernel,
              shader: shaders.softmaxBackward,
              volumes: { output, grad_output: gradOutput, grad_input: gradInput },
            },
            device,
            slab,
          ),
      }),
    }),
  })
}
