import { op } from '../graph/op.js'
import type { Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { poolBackward, poolForward, poolWindows, type PoolOptions } from './shared/pooling.js'

/**
 * Average pooling, as `torch.nn.functional.avg_pool3d`: padding zeros count as voxels.
 *
 * @param input [N, C, D, H, W]
 * @returns [N, C, D', H', W'] with D' = floor((D + 2 padding - kernelSize) / stride) + 1
 * @throws Error if an option is invalid, or a window is larger than the padded input
 */
export function avgPool3d(input: Value, options: PoolOptions): Value {
  const windows = poolWindows('avg_pool3d', options)
  return op({
    ...poolForward('avg_pool3d', { shader: shaders.avgPool3dForward }, input, windows),
    backward: (gradOutput) => ({
      input: poolBackward(
        'avg_pool3d backward',
        { shader: shaders.avgPool3dBackward },
        input,
        { grad_output: gradOutput },
        windows,
      ),
    }),
  })
}
