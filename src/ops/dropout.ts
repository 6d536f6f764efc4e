import { threadsPerWorkgroup } from '../gpu/shader.js'
import { maxWorkgroups } from '../gpu/traits.js'
import type { Work } from '../graph/node.js'
import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'
import { requireCounter, requireStream } from './shared/requirements.js'

/** Which mask `dropout` draws. */
export interface DropoutOptions {
  /**
   * Which of many independent masks of one counter, a whole number below 65536: each dropout of a network needs its
   * own. Mask 0 is drawn from the noise of `uniformNoise`. Default 0.
   */
  readonly stream?: number
}

/**
 * Inverted dropout: every number is 0 with probability p, else divided by 1 - p; as `torch.nn.functional.dropout` in
 * training. The mask depends only on (seed, step, stream, voxel, channel); it is recomputed for the gradient, not
 * stored.
 *
 * @param input [N, C, D, H, W], or flat: each number is a voxel of one channel then, at most 4194240 of them
 * @param p in [0, 1)
 * @param counter an input of two u32: seed and step (see `uniformNoise`)
 * @throws Error if p, the counter or the stream is invalid, or a flat input is too large
 */
export function dropout(input: Value, p: number, counter: Value, options: DropoutOptions = {}): Value {
  const { stream = 0 } = options
  requireProbability('dropout', p)
  requireCounter('dropout', counter)
  requireStream('dropout', stream)
  // Numbers that the workgroups along one axis of a dispatch cover.
  const mostFlat = threadsPerWorkgroup(shaders.dropoutForward) * maxWorkgroups
  if (input.layout === 'flat' && input.size > mostFlat)
    throw new Error(`dropout: ${input.name} has ${input.size} numbers, more than ${mostFlat} for flat values`)
  return masked('dropout', input, counter, { stream, probability: p, scale: 1 / (1 - p) })
}

function masked(
  name: string,
  input: Value,
  counter: Value,
  options: Readonly<Record<string, number>>,
): Value {
  const { shape, layout } = input
  return op({
    name,
    inputs: { input, counter },
    output: { shape, layout },
    ...(layout === 'volume' ? overPlanes(input, counter, options) : overNumbers(input, counter, options)),
    backward: (gradOutput) => ({ input: masked(`${name} backward`, gradOutput, counter, options) }),
  })
}

function overPlanes(input: Value, counter: Value, options: Readonly<Record<string, number>>): Work<Value> {
  const { channels, planes } = volumeShape(input, 'dropout')
  return {
    planes,
    emit: (output, device, slab) =>
      planewise(
        {
          shader: shaders.dropoutForward,
          params: { ...options, channels },
          volumes: { input, output },
          flats: { counter },
          over: { channels: Math.ceil(channels / 4) },
        },
        device,
        slab,
      ),
  }
}

function overNumbers(input: Value, counter: Value, options: Readonly<Record<string, number>>): Work<Value> {
  return {
    emit: (output) => [
      {
        shader: shaders.dropoutForward,
        params: { ...options, channels: 1, area: input.size, first_plane: 0 },
        bindings: { input: whole(input), counter: whole(counter), output: whole(output) },
        threads: [input.size, 1, 1],
      },
    ],
  }
}

/** @throws Error unless p is at least 0 and below 1 */
export function requireProbability(what: string, p: number): void {
  if (!(p >= 0 && p < 1)) throw new Error(`${what}: p must be at least 0 and below 1, not ${p}`)
}
