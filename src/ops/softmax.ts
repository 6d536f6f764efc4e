import { op } from '../graph/op.js'
import type { Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { batches, linesAlong } from './shared/lines.js'

/** Channels that are kept in registers: lavapipe takes 16 s to compile the kernels of 128, 1 s for those of 32. */
export const mostRegisters = 32

/**
 * Softmax along an axis, as `torch.softmax(input, axis)`.
 *
 * @param axis negative to count from the last one. Default 1, the channels of volumes
 * @returns the same shape; elements along the axis sum to 1
 * @throws Error if there is no such axis
 */
export function softmax(input: Value, axis = 1): Value {
  return normalise(input, axis, false)
}

/** Logarithm of the softmax along an axis, as `torch.log_softmax(input, axis)`; otherwise as `softmax`. */
export function logSoftmax(input: Value, axis = 1): Value {
  return normalise(input, axis, true)
}

function normalise(input: Value, axis: number, log: boolean): Value {
  const name = log ? 'log_softmax' : 'softmax'
  const lines = linesAlong(name, input, axis)
  const { shape, layout } = input
  const inRegisters = lines.length <= mostRegisters
  const kernel = {
    flags: { LOG: log, IN_REGISTERS: inRegisters },
    consts: { CHANNELS: inRegisters ? lines.length : 0 },
  }
  const params = ({ first, end }: { first: number; end: number }) => ({
    params: { channels: lines.length, inner: lines.inner, first, count: end - first },
    threads: [end - first] as const,
  })
  return op({
    name,
    inputs: { input },
    output: { shape, layout, wide: log && input.wide },
    planes: lines.planes,
    emit: (output, device, slab) =>
      batches(lines, { input, output }, device, slab).map((batch) => ({
        ...kernel,
        ...params(batch),
        shader: shaders.softmaxForward,
        bindings: batch.windows,
      })),
    backward: (gradOutput, output) => ({
      input: op({
        name: `${name} backward`,
        inputs: { output, gradOutput },
        output: { shape, layout },
        planes: lines.planes,
        emit: (gradInput, device, slab) =>
          batches(lines, { output, grad_output: gradOutput, grad_input: gradInput }, device, slab).map(
            (batch) => ({
              ...kernel,
              ...params(batch),
              shader: shaders.softmaxBackward,
              bindings: batch.windows,
            }),
          ),
      }),
    }),
  })
}
