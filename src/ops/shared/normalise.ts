import { defineNode, scratch, type KernelCall, type OpNode } from '../../graph/node.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { constant, volumeShape, type Value } from '../../graph/value.js'
import { everyPlane, planes, whole, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { planewise } from './planewise.js'
import { sumColumns } from './reduce.js'

/** What batch, group and instance normalisation have in common. */
export interface NormaliseOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number
}

/** What the normalised numbers of a channel are multiplied by, and what is added then. */
interface Affine {
  readonly weight: Value | undefined
  readonly bias: Value | undefined
}

/** Which numbers share a mean and a variance: `channels` channels that follow each other, of one image or of all. */
interface Group {
  readonly channels: number
  readonly wholeBatch: boolean
}

/**
 * (input - mean) / sqrt(variance + epsilon) * weight + bias with the mean and the biased variance of the number's group.
 * The node has two outputs: the result [N, C, D, H, W], and (mean, 1 / sqrt(variance + epsilon)) of every group.
 *
 * @throws Error where weight or bias is not [C]
 */
export function normalise(op: string, input: Value, group: Group, affine: Affine, epsilon: number): OpNode {
  const { channels, planes: count } = volumeShape(input)
  requireAffine(op, input, affine)
  const { images, perImage, ...params } = layOut(input, group)
  const partials = scratch(`${op} partials`, [count, 2 * channels])
  return defineNode({
    op,
    inputs: [input, ...values(affine)],
    outputs: [{ shape: input.shape }, { name: `${op} statistics`, shape: [images.apart * perImage, 2] }],
    scratch: [partials],
    emit: ([output, statistics], device) => [
      ...firstVoxels(input, statistics!, group),
      ...moments(input, statistics!, undefined, group, partials, device),
      {
        shader: shaders.normaliseFinish,
        flags: { BACKWARD: false, WEIGHT: false },
        params: { ...params.finish, epsilon },
        bindings: { partials: whole(partials), statistics: whole(statistics!) },
        workgroups: [perImage, images.apart, 1],
      },
      ...apply(input, statistics!, group, affine, output!, device, everyPlane(input)),
    ],
    backward: ([gradOutput], [, statistics]) =>
      backward(op, input, statistics!, gradOutput!, group, affine, true),
  })
}

/**
 * The same with a mean and a variance that do not depend on the input, and through which no gradient flows.
 *
 * @param statistics (mean, 1 / sqrt(variance + epsilon)) of every channel, [C, 2]
 */
export function normaliseBy(op: string, input: Value, statistics: Value, affine: Affine): OpNode {
  requireAffine(op, input, affine)
  const group = { channels: 1, wholeBatch: true }
  return defineNode({
    op,
    inputs: [input, statistics, ...values(affine)],
    outputs: [{ shape: input.shape }],
    emit: {
      planes: volumeShape(input).planes,
      emit: ([output], device, slab) => apply(input, statistics, group, affine, output!, device, slab),
    },
    backward: ([gradOutput]) => {
      const [gradInput, ...gradAffine] = backward(op, input, statistics, gradOutput!, group, affine, false)
      return [gradInput, undefined, ...gradAffine]
    },
  })
}

/** Gradients of the input, the weight and the bias; without those of the last two where there are none. */
function backward(
  op: string,
  input: Value,
  statistics: Value,
  gradOutput: Value,
  group: Group,
  { weight, bias }: Affine,
  throughStatistics: boolean,
): (Value | undefined)[] {
  const { channels, planes: count } = volumeShape(input)
  const { images, perImage, ...params } = layOut(input, group)
  const partialSums = defineNode({
    op: `${op} backward sums`,
    inputs: [input, statistics, gradOutput],
    outputs: [{ shape: [count, 2 * channels] }],
    emit: ([partials], device) => moments(input, statistics, gradOutput, group, partials!, device),
  }).outputs[0]!

  const perChannel = (name: string, first: number) =>
    defineNode({
      op: `${op} backward ${name}`,
      inputs: [partialSums],
      outputs: [{ shape: [channels] }],
      emit: ([grad]) => [sumColumns(partialSums, grad!, first)],
    }).outputs[0]

  const reads = weight ? { weight } : {}
  const means = throughStatistics
    ? defineNode({
        op: `${op} backward means`,
        inputs: [partialSums, ...Object.values(reads)],
        outputs: [{ shape: statistics.shape }],
        emit: ([means]) => [
          {
            shader: shaders.normaliseFinish,
            flags: { BACKWARD: true, WEIGHT: weight !== undefined },
            params: { ...params.finish, epsilon: 0 },
            bindings: {
              partials: whole(partialSums),
              means: whole(means!),
              ...(weight ? { weight: whole(weight) } : {}),
            },
            workgroups: [perImage, images.apart, 1],
          },
        ],
      }).outputs[0]!
    : constant(`${op} no means`, statistics.shape, new Float32Array(statistics.size))

  const gradInput = defineNode({
    op: `${op} backward`,
    inputs: [input, statistics, gradOutput, means, ...Object.values(reads)],
    outputs: [{ shape: input.shape }],
    emit: {
      planes: count,
      emit: ([gradInput], device, slab) =>
        planewise(
          {
            shader: shaders.normaliseApply,
            flags: { BACKWARD: true, WEIGHT: weight !== undefined, BIAS: false },
            params: params.groups,
            volumes: { input, grad_output: gradOutput, output: gradInput! },
            flats: { statistics, means, ...reads },
            over: { channels },
          },
          device,
          slab,
        ),
    },
  }).outputs[0]
  return [
    gradInput,
    ...(weight ? [perChannel('weight', channels)] : []),
    ...(bias ? [perChannel('bias', 0)] : []),
  ]
}

/** How many groups there are and how kernels find them. */
function layOut(input: Value, group: Group) {
  const { batch, channels, depth, area } = volumeShape(input)
  const perImage = channels / group.channels
  const images = group.wholeBatch ? { apart: 1, together: batch } : { apart: batch, together: 1 }
  const groups = {
    channels,
    depth,
    image_groups: group.wholeBatch ? 0 : perImage,
    group_channels: group.channels,
  }
  const voxels = images.together * group.channels * depth * area
  return { perImage, images, groups, finish: { ...groups, images: images.together, voxels } }
}

/** One tiny dispatch per batch element, because the first planes of two of them may lie in different windows. */
function firstVoxels(input: Value, statistics: Value, group: Group): KernelCall[] {
  const { channels, depth, area } = volumeShape(input)
  const { images, perImage } = layOut(input, group)
  return Array.from({ length: images.apart }, (_, n) => ({
    shader: shaders.normaliseShift,
    params: {
      groups: perImage,
      group_channels: group.channels,
      area,
      to: n * perImage,
      source: n * depth * channels * area,
    },
    bindings: { input: planes(input, n * depth, n * depth + 1), statistics: whole(statistics) },
    workgroups: [Math.ceil(perImage / 64), 1, 1],
  }))
}

function moments(
  input: Value,
  statistics: Value,
  gradOutput: Value | undefined,
  group: Group,
  partials: Value,
  device: DeviceTraits,
): KernelCall[] {
  return planewise(
    {
      shader: shaders.normaliseMoments,
      flags: { BACKWARD: gradOutput !== undefined },
      params: layOut(input, group).groups,
      volumes: gradOutput ? { input, grad_output: gradOutput } : { input },
      flats: { statistics, partials },
      over: { workgroupPerChannel: volumeShape(input).channels },
    },
    device,
    everyPlane(input),
  )
}

function apply(
  input: Value,
  statistics: Value,
  group: Group,
  { weight, bias }: Affine,
  output: Value,
  device: DeviceTraits,
  slab: Slab,
): KernelCall[] {
  return planewise(
    {
      shader: shaders.normaliseApply,
      flags: { BACKWARD: false, WEIGHT: weight !== undefined, BIAS: bias !== undefined },
      params: layOut(input, group).groups,
      volumes: { input, output },
      flats: { statistics, ...(weight ? { weight } : {}), ...(bias ? { bias } : {}) },
      over: { channels: volumeShape(input).channels },
    },
    device,
    slab,
  )
}

function values({ weight, bias }: Affine): Value[] {
  return [...(weight ? [weight] : []), ...(bias ? [bias] : [])]
}

function requireAffine(op: string, input: Value, affine: Affine): void {
  const { channels } = volumeShape(input)
  for (const value of values(affine)) {
    if (value.size !== channels || value.layout !== 'flat')
      throw new Error(
        `${op}: ${value.name} [${value.shape.join(', ')}] must have a number for each of ${channels} channels`,
      )
  }
}
