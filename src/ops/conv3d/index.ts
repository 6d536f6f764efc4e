import { volumeShape, type Value } from '../../autograd/value.js'
import { defineNode, only } from '../../autograd/node.js'
import { backwardActivation } from './backward-activation.js'
import { backwardBias, backwardWeight } from './backward-weight.js'
import { convolutionPlanes, convolve, packWeights, type Activation } from './forward.js'

export type { Activation } from './forward.js'

export interface Conv3dOptions {
  /** Applied to the result in the same kernel. Default: none. */
  readonly activation?: Activation
}

/**
 * 3-D convolution with stride 1 and zero padding that keeps the size, as `torch.nn.functional.conv3d` with
 * `padding='same'`.
 *
 * @param input [N, Ci, D, H, W]
 * @param weight [Co, Ci, kD, kH, kW], every kernel extent odd; or [Co, Ci] for a kernel of one voxel
 * @param bias [Co], or undefined for none
 * @returns [N, Co, D, H, W]
 * @throws Error where shapes do not fit or a kernel extent is even
 */
export function conv3d(input: Value, weight: Value, bias?: Value, options: Conv3dOptions = {}): Value {
  const activation = options.activation ?? 'none'
  const [outputs, inputs, ...kernel] = weight.shape
  const { channels } = volumeShape(input)
  if (![2, 5].includes(weight.shape.length) || weight.layout !== 'flat') {
    throw new Error(`conv3d: weight must be [Co, Ci, kD, kH, kW], not [${weight.shape.join(', ')}]`)
  }
  if (inputs !== channels) throw new Error(`conv3d: weight reads ${inputs!} channels, input has ${channels}`)
  if (kernel.some((k) => k % 2 === 0))
    throw new Error(`conv3d: kernel ${kernel.join('x')} has an even extent`)
  if (bias && (bias.size !== outputs || bias.layout !== 'flat')) {
    throw new Error(`conv3d: bias must be [${outputs!}], not [${bias.shape.join(', ')}]`)
  }

  const packed = packWeights(weight, bias, volumeShape(input).width, 'forward')
  return only(
    defineNode({
      op: 'conv3d',
      // weight and bias stand beside their packed form for the sake of the gradient.
      inputs: [input, weight, ...(bias ? [bias] : []), packed.value],
      outputs: [{ shape: [input.shape[0]!, outputs!, ...input.shape.slice(2)] }],
      emit: {
        ...convolutionPlanes(input, packed.kernel[0]),
        costly: packed.kernel.some((extent) => extent > 1),
        emit: ([output], device, slab) => convolve(input, packed, output!, activation, device, slab),
      },
      backward: ([gradOutput], [output]) => {
        const grad =
          activation === 'none' ? gradOutput! : backwardActivation(output!, gradOutput!, activation)
        return [
          backwardInput(grad, weight),
          backwardWeight(input, grad, weight.shape),
          ...(bias ? [backwardBias(grad)] : []),
          undefined,
        ]
      },
    }),
  )
}

/** The gradient with respect to the input is the convolution of the gradient with flipped, transposed weights. */
export function backwardInput(gradOutput: Value, weight: Value): Value {
  const packed = packWeights(weight, undefined, volumeShape(gradOutput).width, 'backward')
  return only(
    defineNode({
      op: 'conv3d backward input',
      inputs: [gradOutput, packed.value],
      outputs: [{ shape: [gradOutput.shape[0]!, weight.shape[1]!, ...gradOutput.shape.slice(2)] }],
      emit: {
        ...convolutionPlanes(gradOutput, packed.kernel[0]),
        emit: ([output], device, slab) => convolve(gradOutput, packed, output!, 'none', device, slab),
      },
    }),
  )
}
