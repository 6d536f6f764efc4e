import { op } from '../../graph/op.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { backwardActivation } from '../conv3d/activation.js'
import { backwardBias } from '../conv3d/backward-weight.js'
import { convolutionPlanes, kernelShape } from '../conv3d/geometry.js'
import type { Conv3dOptions } from '../conv3d/index.js'
import { backwardInput } from '../conv3d/same.js'
import { requireBias, requireWeight } from '../shared/requirements.js'
import { backwardWeight } from './backward-weight.js'
import { convolveLabels, packTable } from './forward.js'

/**
 * The convolution of a one-hot volume stored as labels: `conv3d(oneHot(labels), weight, bias, options)` with padding
 * 'same'. A label that is not a class is a voxel of zeros.
 *
 * The gradient of `labels` is that of their one-hot form: [N, classes, D, H, W], not the shape of `labels`.
 *
 * @param labels u32 [N, 1, D, H, W]
 * @param weight [Co, classes, kD, kH, kW], every kernel extent odd; or [Co, classes] for a kernel of one voxel
 * @param bias [Co], or undefined for none
 * @returns [N, Co, D, H, W]
 * @throws Error if shapes or types do not fit or a kernel extent is even
 */
export function labelConv3d(
  labels: Value,
  weight: Value,
  bias?: Value,
  options: Pick<Conv3dOptions, 'activation'> = {},
): Value {
  const activation = options.activation ?? 'none'
  const [outputs, , ...kernel] = weight.shape
  if (volumeShape(labels, 'label_conv3d').channels !== 1 || labels.dtype !== 'u32') {
    throw new Error(
      `label_conv3d: labels must be u32 [N, 1, D, H, W], not ${labels.dtype} [${labels.shape.join(', ')}]`,
    )
  }
  requireWeight('label_conv3d', weight, '[Co, classes, kD, kH, kW]')
  if (kernel.some((k) => k % 2 === 0))
    throw new Error(`label_conv3d: kernel ${kernel.join('x')} has an even extent`)
  requireBias('label_conv3d', bias, outputs!)

  const packed = packTable(weight, bias)
  return op({
    name: 'label_conv3d',
    // weight and bias are inputs besides their packed form so that they get a gradient.
    inputs: { labels, weight, bias, packed },
    output: { shape: [labels.shape[0]!, outputs!, ...labels.shape.slice(2)] },
    ...convolutionPlanes(labels, kernelShape(weight.shape)[2]),
    withoutActivation:
      activation === 'none' ? undefined : () => labelConv3d(labels, weight, bias, { activation: 'none' }),
    emit: (output, device, slab) => convolveLabels(labels, weight, packed, output, activation, device, slab),
    backward: (gradOutput, output) => {
      const grad = backwardActivation(activation, output, gradOutput)
      return {
        labels: backwardInput(grad, weight),
        weight: backwardWeight(labels, grad, weight),
        bias: bias && backwardBias(grad, bias),
      }
    },
  })
}
