import { scratch, type Gradients, type Inputs, type KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { constant, volumeShape, type Value } from '../../graph/value.js'
import { everyPlane, planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { reluBackward } from '../relu.js'
import { planewise } from './planewise.js'
import { requireActivation } from './requirements.js'
import { sumColumns } from './reduce.js'

/** What batch, group and instance normalisation have in common. */
export interface NormaliseOptions {
  /** Added to the variance, above 0. Default 1e-5. */
  readonly epsilon?: number
  /** Applied to the result in the same kernel. Default: none. */
  readonly activation?: 'none' | 'relu'
}

/** @throws Error unless epsilon is above 0 as an f32: of equal numbers, the variance alone is 0 */
export function requireEpsilon(name: string, { epsilon = 1e-5 }: NormaliseOptions): void {
  if (!(Number.isFinite(epsilon) && Math.fround(epsilon) > 0))
    throw new Error(`${name}: epsilon must be a number above 0, not ${epsilon}`)
}

/** Factor and offset of the normalised numbers of each channel. */
interface Affine extends Inputs {
  readonly weight: Value | undefined
  readonly bias: Value | undefined
}

/** Which numbers share a mean and a variance: `channels` successive channels, of one image or of all. */
interface Group {
  readonly channels: number
  readonly wholeBatch: boolean
}

/**
 * f((input - mean) / sqrt(variance + epsilon) * weight + bias) with the activation f, and the mean and the biased variance of
 * the number's group. There are two outputs: the result [N, C, D, H, W], and (mean, 1 / sqrt(variance + epsilon)) of every group.
 *
 * @throws Error if weight or bias is not [C], epsilon is not above 0, or there is no such activation
 */
export function normalise(
  name: string,
  input: Value,
  group: Group,
  affine: Affine,
  options: NormaliseOptions,
): readonly [output: Value, statistics: Value] {
  const { epsilon = 1e-5, activation = 'none' } = options
  requireEpsilon(name, options)
  const { channels, planes: count } = volumeShape(input, name)
  requireAffine(name, input, affine)
  const { images, perImage, ...params } = layOut(input, group)
  const partials = scratch(`${name} partials`, [count, 2 * channels])
  // Two nodes: the second is cut along depth, so that a sweep can include it.
  const statistics = op({
    name,
    inputs: { input },
    parameter: affine.weight,
    output: { name: `${name} statistics`, shape: [images.apart * perImage, 2] },
    scratch: [partials],
    emit: (statistics, device) => [
      ...shifts(input, statistics, group, device),
      ...moments(input, statistics, undefined, group, partials, device),
      {
        shader: shaders.normaliseFinish,
        flags: { BACKWARD: false, WEIGHT: false },
        params: { ...params.finish, epsilon },
        bindings: { partials: whole(partials), statistics: whole(statistics) },
        workgroups: [perImage, images.apart, 1],
      },
    ],
  })
  // The input's gradient includes what reaches it through the statistics, which have none of their own.
  return [
    applied({ name, input, statistics, group, affine, throughStatistics: true }, activation),
    statistics,
  ]
}

/**
 * The same with a mean and a variance that do not depend on the input, and through which no gradient flows.
 *
 * @param statistics (mean, 1 / sqrt(variance + epsilon)) of every channel, [C, 2]
 */
export function normaliseBy(
  name: string,
  input: Value,
  statistics: Value,
  affine: Affine,
  { activation = 'none' }: Pick<NormaliseOptions, 'activation'>,
): Value {
  requireAffine(name, input, affine)
  const group = { channels: 1, wholeBatch: true }
  return applied({ name, input, statistics, group, affine, throughStatistics: false }, activation)
}

/** A normalisation whose statistics are known. */
interface Normalisation {
  readonly name: string
  readonly input: Value
  readonly statistics: Value
  readonly group: Group
  readonly affine: Affine
  /** Whether the statistics depend on the input. */
  readonly throughStatistics: boolean
}

/** The last pass: the result. */
function applied(normalisation: Normalisation, activation: Required<NormaliseOptions>['activation']): Value {
  const { name, input, statistics, group, affine } = normalisation
  const { weight, bias } = affine
  requireActivation(name, activation, { none: 0, relu: 1 })
  const { channels, planes } = volumeShape(input)
  return op({
    name,
    inputs: { input, statistics, ...affine },
    output: { shape: input.shape },
    planes,
    withoutActivation: activation === 'none' ? undefined : () => applied(normalisation, 'none'),
    emit: (output, device, slab) =>
      planewise(
        {
          shader: shaders.normaliseApply,
          flags: {
            BACKWARD: false,
            WEIGHT: weight !== undefined,
            BIAS: bias !== undefined,
            RELU: activation === 'relu',
          },
          params: layOut(input, group).groups,
          volumes: { input, output },
          flats: { statistics, ...(weight ? { weight } : {}), ...(bias ? { bias } : {}) },
          over: { channels },
          vectors: true,
        },
        device,
        slab,
      ),
    backward: (gradOutput, output) =>
      backward(normalisation, activation === 'relu' ? reluBackward(output, gradOutput) : gradOutput),
  })
}

/** Gradients of the input, and of the weight and the bias if there are any. */
function backward(
  { name, input, statistics, group, affine: { weight, bias }, throughStatistics }: Normalisation,
  gradOutput: Value,
): Gradients<{ input: Value } & Affine> {
  const { channels, planes: count } = volumeShape(input, name)
  const { images, perImage, ...params } = layOut(input, group)
  const partialSums = op({
    name: `${name} backward sums`,
    inputs: { input, statistics, gradOutput },
    parameter: weight,
    output: { shape: [count, 2 * channels] },
    emit: (partials, device) => moments(input, statistics, gradOutput, group, partials, device),
  })

  const perChannel = (what: string, first: number) =>
    op({
      name: `${name} backward ${what}`,
      inputs: { partialSums },
      parameter: weight,
      output: { shape: [channels] },
      emit: (grad) => [sumColumns(partialSums, grad, first)],
    })

  const reads = weight ? { weight } : {}
  const means = throughStatistics
    ? op({
        name: `${name} backward means`,
        inputs: { partialSums, weight },
        output: { shape: statistics.shape },
        emit: (means) => [
          {
            shader: shaders.normaliseFinish,
            flags: { BACKWARD: true, WEIGHT: weight !== undefined },
            params: { ...params.finish, epsilon: 0 },
            bindings: {
              partials: whole(partialSums),
              means: whole(means),
              ...(weight ? { weight: whole(weight) } : {}),
            },
            workgroups: [perImage, images.apart, 1],
          },
        ],
      })
    : constant(`${name} no means`, statistics.shape, new Float32Array(statistics.size))

  return {
    input: op({
      name: `${name} backward`,
      inputs: { input, statistics, gradOutput, means, weight },
      output: { shape: input.shape },
      planes: count,
      emit: (gradInput, device, slab) =>
        planewise(
          {
            shader: shaders.normaliseApply,
            flags: { BACKWARD: true, WEIGHT: weight !== undefined, BIAS: false, RELU: false },
            params: params.groups,
            volumes: { input, grad_output: gradOutput, grad_input: gradInput },
            flats: { statistics, means, ...reads },
            over: { channels },
            vectors: true,
          },
          device,
          slab,
        ),
    }),
    weight: weight && perChannel('weight', channels),
    bias: bias && perChannel('bias', 0),
  }
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

/** From the first plane of as many images at once as fit into a binding. */
function shifts(input: Value, statistics: Value, group: Group, device: DeviceTraits): KernelCall[] {
  const { channels, depth, area } = volumeShape(input)
  const { images, perImage } = layOut(input, group)
  const window = ({ first, end }: Slab) =>
    planesOf(input, { first: first * depth, end: (end - 1) * depth + 1 })
  return slabs({ first: 0, end: images.apart }, device, (slab) => [window(slab)]).map((slab) => ({
    shader: shaders.normaliseShift,
    params: {
      groups: perImage,
      group_size: group.channels * area,
      image_size: depth * channels * area,
      first: slab.first * perImage,
      count: (slab.end - slab.first) * perImage,
    },
    bindings: { input: window(slab), statistics: whole(statistics) },
    threads: [(slab.end - slab.first) * perImage],
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

function requireAffine(name: string, input: Value, affine: Affine): void {
  const { channels } = volumeShape(input, name)
  for (const value of Object.values(affine)) {
    if (value && (value.size !== channels || value.layout !== 'flat'))
      throw new Error(
        `${name}: ${value.name} [${value.shape.join(', ')}] must have a number for each of ${channels} channels`,
      )
  }
}
