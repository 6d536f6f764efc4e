import type { KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { volumeShape, type Value } from '../../graph/value.js'
import type { Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { planewise } from './planewise.js'
import { shown } from './requirements.js'

/**
 * Concatenation of volumes along channels: what `concat` is for them. Convolutions call it rather than `concat`, so that a
 * page with a U-Net need not load copies along other axes.
 *
 * @param inputs volumes [N, Ci, D, H, W] that differ in Ci only
 * @returns [N, sum Ci, D, H, W]
 * @throws Error if another extent differs
 */
export function concatChannels(inputs: readonly Value[]): Value {
  const [first] = inputs
  if (!first) throw new Error('concat: nothing to concatenate')
  for (const value of inputs) {
    volumeShape(value, 'concat')
    if (value.shape.some((extent, axis) => axis !== 1 && extent !== first.shape[axis])) {
      throw new Error(`concat: ${shown(first)} and ${shown(value)} differ in more than axis 1`)
    }
  }
  const { planes } = volumeShape(first)
  const named = inputs.map((value, i) => [`input${i}`, value] as const)
  const offsets: number[] = []
  let channels = 0
  for (const value of inputs) {
    offsets.push(channels)
    channels += value.shape[1]!
  }
  return op({
    name: 'concat',
    inputs: Object.fromEntries(named),
    output: { shape: [first.shape[0]!, channels, ...first.shape.slice(2)] },
    planes,
    emit: (output, device, slab) =>
      inputs.flatMap((value, i) =>
        copyChannels(value, 0, output, offsets[i]!, value.shape[1]!, device, slab),
      ),
    backward: (gradOutput) =>
      Object.fromEntries(
        named.map(([name, value], i) => [name, sliceChannels(gradOutput, offsets[i]!, value.shape[1]!)]),
      ),
  })
}

/** Channels [first, first + count) of a volume. */
function sliceChannels(input: Value, first: number, count: number): Value {
  return op({
    name: 'concat backward',
    inputs: { input },
    output: { shape: [input.shape[0]!, count, ...input.shape.slice(2)] },
    planes: volumeShape(input).planes,
    emit: (output, device, slab) => copyChannels(input, first, output, 0, count, device, slab),
  })
}

function copyChannels(
  input: Value,
  inputChannel: number,
  output: Value,
  outputChannel: number,
  count: number,
  device: DeviceTraits,
  slab: Slab,
): KernelCall[] {
  return planewise(
    {
      shader: shaders.concatCopyChannels,
      params: {
        input_channels: input.shape[1]!,
        input_channel: inputChannel,
        output_channels: output.shape[1]!,
        output_channel: outputChannel,
      },
      volumes: { input, output },
      over: { channels: count },
    },
    device,
    slab,
  )
}
