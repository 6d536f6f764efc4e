import { op, type OpSpec } from '../graph/op.js'
import { requireSameShape, volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'
import { supportThreshold } from './support-mask.js'

/**
 * The class of the largest channel at every voxel; the first one in a tie.
 *
 * @param input [N, C, D, H, W]
 * @param prior the same shape. If given, the class is that of `argmax(supportMask(input, prior))`, without a volume in between
 * @returns u32 [N, 1, D, H, W]
 * @throws Error if the shapes differ
 */
export function argmax(input: Value, prior?: Value): Value {
  return op(argmaxOf(input, prior))
}

/** The node of `argmax`, for ops that give it a gradient. */
export function argmaxOf(input: Value, prior?: Value): OpSpec<{ input: Value; prior: Value | undefined }> {
  const { batch, channels, depth, height, width, planes, area } = volumeShape(input, 'argmax')
  if (prior) requireSameShape('argmax', input, prior)
  const vector = area % 4 === 0
  return {
    name: 'argmax',
    inputs: { input, prior },
    output: { shape: [batch, 1, depth, height, width], dtype: 'u32' },
    planes,
    emit: (output, device, slab) =>
      planewise(
        {
          shader: shaders.argmaxForward,
          flags: { VECTOR: vector, PRIOR: prior !== undefined },
          params: { channels, ...(prior ? { threshold: supportThreshold } : {}) },
          volumes: { input, output, ...(prior ? { prior } : {}) },
          over: vector ? 'vectors' : 'voxels',
        },
        device,
        slab,
      ),
  }
}
