import { op, type OpSpec } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'

/**
 * The class of the largest channel at every voxel; the first one in a tie.
 *
 * @param input [N, C, D, H, W]
 * @returns u32 [N, 1, D, H, W]
 */
export function argmax(input: Value): Value {
  return op(argmaxOf(input))
}

/** The node of `argmax`, for ops that give it a gradient. */
export function argmaxOf(input: Value): OpSpec<{ input: Value }> {
  const { batch, channels, depth, height, width, planes } = volumeShape(input, 'argmax')
  return {
    name: 'argmax',
    inputs: { input },
    output: { shape: [batch, 1, depth, height, width], dtype: 'u32' },
    planes,
    emit: (output, device, slab) =>
      planewise(
        { shader: shaders.argmaxForward, params: { channels }, volumes: { input, output } },
        device,
        slab,
      ),
  }
}
