import { defineNode, only, scratch, type DeviceTraits, type KernelCall } from '../autograd/node.js'
import { volumeShape, type Value } from '../autograd/value.js'
import { everyPlane, planes, whole } from '../autograd/window.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './planewise.js'

/** Settings of `instanceNorm`. */
export interface InstanceNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number
}

/**
 * Instance normalisation without affine part, as `torch.nn.functional.instance_norm`: every channel of every batch
 * element to mean 0 and (biased) variance 1.
 *
 * @param input [N, C, D, H, W]
 */
export function instanceNorm(input: Value, options: InstanceNormOptions = {}): Value {
  const { epsilon = 1e-5 } = options
  const { batch, channels, depth, area, planes: count } = volumeShape(input)
  const partials = scratch('instance_norm partials', [count, channels, 2])
  const normalise = defineNode({
    op: 'instance_norm',
    inputs: [input],
    outputs: [{ shape: input.shape }, { name: 'instance_norm statistics', shape: [batch, channels, 2] }],
    scratch: [partials],
    emit: ([output, statistics], device) => [
      ...firstVoxels(input, statistics!),
      ...moments(input, statistics!, undefined, partials, device),
      {
        shader: shaders.instanceNormFinish,
        flags: { BACKWARD: false },
        params: { channels, depth, voxels: depth * area, epsilon },
        bindings: { partials: whole(partials), statistics: whole(statistics!) },
        workgroups: [channels, batch, 1],
      },
      ...planewise(
        {
          shader: shaders.instanceNormApply,
          flags: { BACKWARD: false },
          params: { channels, depth },
          volumes: { input, output: output! },
          flats: { statistics: statistics! },
          over: { channels },
        },
        device,
        everyPlane(input),
      ),
    ],
    backward: ([gradOutput], [, statistics]) => [backward(input, statistics!, gradOutput!)],
  })
  return normalise.outputs[0]!
}

function backward(input: Value, statistics: Value, gradOutput: Value): Value {
  const { batch, channels, depth, area, planes: count } = volumeShape(input)
  const partials = scratch('instance_norm partials', [count, channels, 2])
  const means = scratch('instance_norm means', [batch, channels, 2])
  return only(
    defineNode({
      op: 'instance_norm backward',
      inputs: [input, statistics, gradOutput],
      outputs: [{ shape: input.shape }],
      scratch: [partials, means],
      emit: ([gradInput], device) => [
        ...moments(input, statistics, gradOutput, partials, device),
        {
          shader: shaders.instanceNormFinish,
          flags: { BACKWARD: true },
          params: { channels, depth, voxels: depth * area, epsilon: 0 },
          bindings: { partials: whole(partials), means: whole(means) },
          workgroups: [channels, batch, 1],
        },
        ...planewise(
          {
            shader: shaders.instanceNormApply,
            flags: { BACKWARD: true },
            params: { channels, depth },
            volumes: { input, grad_output: gradOutput, output: gradInput! },
            flats: { statistics, means },
            over: { channels },
          },
          device,
          everyPlane(input),
        ),
      ],
    }),
  )
}

/** One tiny dispatch per batch element, because the first planes of two of them may lie in different windows. */
function firstVoxels(input: Value, statistics: Value): KernelCall[] {
  const { batch, channels, depth, area } = volumeShape(input)
  return Array.from({ length: batch }, (_, n) => ({
    shader: shaders.instanceNormShift,
    params: { channels, area, to: n * channels, source: n * depth * channels * area },
    bindings: { input: planes(input, n * depth, n * depth + 1), statistics: whole(statistics) },
    workgroups: [Math.ceil(channels / 64), 1, 1],
  }))
}

function moments(
  input: Value,
  statistics: Value,
  gradOutput: Value | undefined,
  partials: Value,
  device: DeviceTraits,
): KernelCall[] {
  const { channels, depth } = volumeShape(input)
  return planewise(
    {
      shader: shaders.instanceNormMoments,
      flags: { BACKWARD: gradOutput !== undefined },
      params: { channels, depth },
      volumes: gradOutput ? { input, grad_output: gradOutput } : { input },
      flats: { statistics, partials },
      over: { workgroupPerChannel: channels },
    },
    device,
    everyPlane(input),
  )
}
