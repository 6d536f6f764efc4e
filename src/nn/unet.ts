import { atLayer } from '../graph/layer.js'
import { volumeShape, type Value } from '../graph/value.js'
import { crop, fit, instanceNorm, type Box, type UpsampledAndSkip } from '../ops/index.js'
import { halvingMaxPool3d } from '../ops/max-pool3d/halving.js'
import { boxShape, requireBox, wholeBox } from '../ops/shared/box.js'
import { eachAxis, type Triple } from '../ops/shared/triple.js'
import type { Network } from './layer.js'
import { seededRandom } from './random.js'
import { sameConvLayer } from './same-conv-layer.js'

/** Options of a U-Net. */
export interface UnetOptions {
  /** Output channels. */
  readonly classes: number
  /** Input channels. Default 1. */
  readonly inputs?: number
  /** Channels of the blocks on the way down, from full scale. Default 4, 8, 16, 32, 32. */
  readonly widths?: readonly number[]
  /** Instance normalisation of every block before its ReLU. Default false, as in the paper. */
  readonly instanceNorm?: boolean
  /** Seed of the initial weights. Default 0. */
  readonly seed?: number
}

/** A U-Net that can also return the activations of its blocks, for tests. */
export interface Unet extends Network {
  /** Its options, with defaults filled in. */
  readonly options: Required<UnetOptions>
  /** Logits, and the output of every block, block0 first. */
  readonly trace: (
    input: Value,
    region?: Box,
  ) => {
    /** [N, classes, D, H, W] of the input, or of the region */
    readonly logits: Value
    /**
     * In the order of the network, with the padding; coarser levels are smaller. The last one covers only the region,
     * if one is given and blocks are not normalised.
     */
    readonly blocks: readonly Value[]
  }
  /**
   * Along a side of a region that lies inside the input, this many voxels get other logits than the whole input gives.
   */
  readonly reach: number
  /** @param region voxels to compute logits for. Default: all */
  (input: Value, region?: Box): Value
}

/**
 * The 3-D U-Net of docs/equations.md ("Networks"): one 3x3x3 convolution and a ReLU per block, max-pooling down, nearest
 * upsampling and skip connections up, and a last convolution without ReLU. Parameters are called
 * `encoder.block0.weight`, ..., `encoder.conv.bias`, in the order in which they are used.
 *
 * Input [N, inputs, D, H, W] of any size, padded with zeros to a multiple of 2^(levels) on the high side and cropped back;
 * output [N, classes, D, H, W].
 *
 * If a region is given, the last layers, which do most of the work, compute only that region. All other layers see the
 * whole input, because the logits of a voxel depend on about 50 voxels around it and on its position in the pooling
 * windows. So the logits of a region equal those of the whole input there, except for `reach` voxels at its sides. The
 * region costs least if it starts and stops at even voxels.
 */
export function unet(options: UnetOptions): Unet {
  const complete = { inputs: 1, widths: [4, 8, 16, 32, 32], instanceNorm: false, seed: 0, ...options }
  const { widths, classes, inputs } = complete
  if (widths.length < 2) throw new Error('unet: at least two widths are needed')
  const depth = widths.length - 1
  // A normalised block needs statistics of the whole volume, so only the layer after it can be cut.
  const reach = complete.instanceNorm ? 1 : 2
  const random = seededRandom(complete.seed)

  const layers = unetLayers(widths, classes, inputs).map(({ name, inputs, outputs }) =>
    sameConvLayer(name, inputs, outputs, random),
  )
  const blocks = layers.slice(0, -1)
  const last = layers.at(-1)!

  const trace = (input: Value, region?: Box) => {
    const shape = volumeShape(input, 'unet')
    const extents: Triple = [shape.depth, shape.height, shape.width]
    const multiple = 2 ** depth
    const padded = eachAxis((axis) => Math.ceil(extents[axis] / multiple) * multiple)
    const wanted = region ?? wholeBox(extents)
    requireBox('unet: region', wanted, extents)
    const computed = region ? withinPadded(region, reach, extents, padded) : wholeBox(padded)
    const outputs: Value[] = []
    const apply = (value: Value | UpsampledAndSkip) => {
      const block = blocks[outputs.length]!
      const result = complete.instanceNorm
        ? atLayer(layers[outputs.length]!.name, () => instanceNorm(block(value), { activation: 'relu' }))
        : block(value, { activation: 'relu' })
      outputs.push(result)
      return result
    }
    let value = apply(fit(input, padded))
    for (let level = 1; level <= depth; level++) value = apply(halvingMaxPool3d(value))
    for (let level = depth - 1; level > 0; level--) value = apply({ coarse: value, skip: outputs[level]! })
    const skip = outputs[0]!
    value = complete.instanceNorm
      ? crop(apply({ coarse: value, skip }), computed)
      : apply({ coarse: crop(value, halved(computed)), skip: crop(skip, computed) })
    const offset = eachAxis((axis) => wanted.start[axis] - computed.start[axis])
    return { logits: fit(last(value), boxShape(wanted), offset), blocks: outputs }
  }
  return Object.assign((input: Value, region?: Box) => trace(input, region).logits, {
    options: complete,
    reach,
    trace,
    parameters: layers.flatMap((layer) => layer.parameters),
  })
}

/** A convolution of a U-Net. */
export interface UnetLayer {
  /** Its weights are `NAME.weight` and `NAME.bias`. */
  readonly name: string
  /** Channels that it reads. */
  readonly inputs: number
  /** Channels that it computes. */
  readonly outputs: number
}

/** The name and the channels of every convolution, in the order of the network. */
export function unetLayers(widths: readonly number[], classes: number, inputs = 1): UnetLayer[] {
  const layers: UnetLayer[] = []
  const add = (inputs: number, outputs: number): number => {
    layers.push({ name: `encoder.block${layers.length}`, inputs, outputs })
    return outputs
  }
  let channels = inputs
  for (const width of widths) channels = add(channels, width)
  for (let level = widths.length - 2; level >= 0; level--) {
    // The way up mirrors the way down, one level finer each time; the finest block outputs the classes.
    channels = add(channels + widths[level]!, level > 0 ? widths[level - 1]! : classes)
  }
  return [...layers, { name: 'encoder.conv', inputs: classes, outputs: classes }]
}

/**
 * A region in whole voxels of half the resolution; at the end of the input it includes the padding that its last voxels
 * see.
 */
function withinPadded({ start, stop }: Box, reach: number, extents: Triple, padded: Triple): Box {
  const seen = (axis: 0 | 1 | 2) => stop[axis] + (stop[axis] === extents[axis] ? reach : 0)
  return {
    start: eachAxis((axis) => 2 * Math.floor(start[axis] / 2)),
    stop: eachAxis((axis) => Math.min(2 * Math.ceil(seen(axis) / 2), padded[axis])),
  }
}

function halved({ start, stop }: Box): Box {
  return { start: eachAxis((axis) => start[axis] / 2), stop: eachAxis((axis) => stop[axis] / 2) }
}
