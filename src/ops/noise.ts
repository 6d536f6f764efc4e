import { op } from '../graph/op.js'
import { volumeShape, Value, type Shape } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'

/**
 * Uniform noise in (0, 1) that depends only on (seed, step, voxel, channel): the same on every device, however the work
 * is cut. Changing `counter` between runs gives the next draw.
 *
 * @param shape [N, C, D, H, W]
 * @param counter an input of two u32: seed and step
 */
export function uniformNoise(shape: Shape, counter: Value): Value {
  if (counter.dtype !== 'u32' || counter.size !== 2)
    throw new Error('uniform_noise: the counter must be two u32: seed, step')
  const channels = shape[1]!
  const { planes } = volumeShape(new Value('noise', shape, 'computed'))
  return op({
    name: 'uniform_noise',
    inputs: { counter },
    output: { shape, wide: true },
    planes,
    emit: (output, device, slab) =>
      planewise(
        {
          shader: shaders.noiseUniform,
          params: { channels },
          volumes: { output },
          flats: { counter },
          over: { channels: Math.ceil(channels / 4) },
        },
        device,
        slab,
      ),
  })
}
