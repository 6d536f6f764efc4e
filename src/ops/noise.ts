import { threadsPerWorkgroup, type ShaderSource } from '../gpu/shader.js'
import { maxWorkgroups } from '../gpu/traits.js'
import type { Work } from '../graph/node.js'
import { op } from '../graph/op.js'
import { volumeShape, Value, type Shape } from '../graph/value.js'
import { whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'
import { requireCounter, requireStream } from './shared/requirements.js'

/**
 * Uniform noise in (0, 1) that depends only on (seed, step, voxel, channel): the same on every device, however the work
 * is cut. Changing `counter` between runs gives the next draw.
 *
 * @param shape [N, C, D, H, W]
 * @param counter an input of two u32: seed and step
 */
export function uniformNoise(shape: Shape, counter: Value): Value {
  requireCounter('uniform_noise', counter)
  return noise('uniform_noise', shape, counter, overPlanes(shaders.noiseUniform, shape, counter, {}))
}

/** Which noise `normalNoise` draws. */
export interface NormalNoiseOptions {
  /**
   * Which of many independent noises of one counter, a whole number below 65536. Stream 0 is made of the numbers that
   * `uniformNoise` draws, and dropout's mask 0 too; to be independent of these, take another. Default 0.
   */
  readonly stream?: number
}

/**
 * Standard normal noise that depends only on (seed, step, stream, voxel, channel), however the work is cut. Devices
 * differ by roundings. Changing `counter` between runs gives the next draw. By the method of Box and Muller (1958), from
 * numbers of 23 bits: no result is beyond 5.77, where 1 in 10^8 would lie.
 *
 * @param shape [N, C, D, H, W], or any other for a flat value of at most 4194240 numbers
 * @param counter an input of two u32: seed and step
 * @throws Error if the counter or the stream is invalid, or a flat value is too large
 */
export function normalNoise(shape: Shape, counter: Value, { stream = 0 }: NormalNoiseOptions = {}): Value {
  requireCounter('normal_noise', counter)
  requireStream('normal_noise', stream)
  const work = shape.length === 5 ? overPlanes : overNumbers
  return noise('normal_noise', shape, counter, work(shaders.noiseNormal, shape, counter, { stream }))
}

function noise(name: string, shape: Shape, counter: Value, work: Work<Value>): Value {
  return op({ name, inputs: { counter }, output: { shape, wide: true }, ...work })
}

type Settings = Readonly<Record<string, number>>

function overPlanes(shader: ShaderSource, shape: Shape, counter: Value, settings: Settings): Work<Value> {
  const { channels, planes } = volumeShape(new Value('noise', shape, 'computed'))
  return {
    planes,
    emit: (output, device, slab) =>
      planewise(
        {
          shader,
          params: { ...settings, channels },
          volumes: { output },
          flats: { counter },
          over: { channels: Math.ceil(channels / 4) },
        },
        device,
        slab,
      ),
  }
}

/** Each number is a voxel of a single channel. */
function overNumbers(shader: ShaderSource, shape: Shape, counter: Value, settings: Settings): Work<Value> {
  const { size } = new Value('noise', shape, 'computed')
  const most = threadsPerWorkgroup(shader) * maxWorkgroups
  if (size > most)
    throw new Error(
      `normal_noise: [${shape.join(', ')}] has ${size} numbers, more than ${most} for flat values`,
    )
  return {
    emit: (output) => [
      {
        shader,
        params: { ...settings, channels: 1, area: size, first_plane: 0 },
        bindings: { counter: whole(counter), output: whole(output) },
        threads: [size, 1, 1],
      },
    ],
  }
}
