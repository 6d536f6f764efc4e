import { defineNode, only } from '../autograd/node.js'
import { volumeShape, type Value } from '../autograd/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './planewise.js'

export interface DropoutOptions {
  /**
   * Which of many independent masks of one counter, a whole number below 65536: a network gives each of its dropouts one
   * of its own. Mask 0 is drawn from the noise of `uniformNoise`. Default 0.
   */
  readonly stream?: number
}

/**
 * Inverted dropout: every number is 0 with probability p, else divided by 1 - p; as `torch.nn.functional.dropout` in
 * training. The mask depends on (seed, step, stream, voxel, channel) only, and is made again for the gradient instead
 * of being stored.
 *
 * @param input [N, C, D, H, W]
 * @param p in [0, 1)
 * @param counter an input of two u32: seed and step (see `uniformNoise`)
 * @throws Error where p, the counter or the stream is none
 */
export function dropout(input: Value, p: number, counter: Value, options: DropoutOptions = {}): Value {
  const { stream = 0 } = options
  if (!(p >= 0 && p < 1)) throw new Error(`dropout: p must be at least 0 and below 1, not ${p}`)
  if (counter.dtype !== 'u32' || counter.size !== 2)
    throw new Error('dropout: the counter must be two u32: seed, step')
  if (!Number.isInteger(stream) || stream < 0 || stream > 0xffff)
    throw new Error(`dropout: the stream must be a whole number below 65536, not ${stream}`)
  const { channels, planes } = volumeShape(input)
  return masked('dropout', input)

  function masked(op: string, value: Value): Value {
    return only(
      defineNode({
        op,
        inputs: [value, counter],
        outputs: [{ shape: value.shape }],
        emit: {
          planes,
          emit: ([output], device, slab) =>
            planewise(
              {
                shader: shaders.dropoutForward,
                params: { channels, stream, probability: p, scale: 1 / (1 - p) },
                volumes: { input: value, output: output! },
                flats: { counter },
                over: { channels: Math.ceil(channels / 4) },
              },
              device,
              slab,
            ),
        },
        backward: ([gradOutput]) => [masked('dropout backward', gradOutput!), undefined],
      }),
    )
  }
}
