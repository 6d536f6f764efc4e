import { op } from '../../graph/op.js'
import type { Value } from '../../graph/value.js'
import * as shaders from '../../generated/shaders.js'
import {
  poolBackward,
  poolForward,
  poolWindows,
  type PoolOptions,
  type PoolWindows,
} from '../shared/pooling.js'
import { halvingMaxPool3d } from './halving.js'

/**
 * Max-pooling, as `torch.nn.functional.max_pool3d`: an incomplete window is dropped, voxels outside the input never
 * win, and the gradient of a tie goes to the first voxel in the order D, H, W.
 *
 * @param input [N, C, D, H, W]
 * @param options default: 2x2x2 windows with stride 2, which have tuned kernels
 * @returns [N, C, D', H', W'] with D' = floor((D + 2 padding - kernelSize) / stride) + 1
 * @throws Error if an option is invalid, or a window is larger than the padded input
 */
export function maxPool3d(input: Value, options: PoolOptions = { kernelSize: 2 }): Value {
  const windows = poolWindows('max_pool3d', options)
  return isHalving(windows) ? halvingMaxPool3d(input) : poolAny(input, windows)
}

/** Whether windows are 2x2x2 with stride 2. */
function isHalving({ kernel, stride, padding }: PoolWindows): boolean {
  return [...kernel, ...stride].every((n) => n === 2) && padding.every((n) => n === 0)
}

function poolAny(input: Value, windows: PoolWindows): Value {
  const forward = (op: string, WINNERS: boolean) =>
    poolForward(
      op,
      { shader: shaders.maxPool3dGeneralForward, flags: { WINNERS } },
      input,
      windows,
      WINNERS ? 'u32' : 'f32',
    )
  return op({
    ...forward('max_pool3d', false),
    backward: (gradOutput) => ({
      input: poolBackward(
        'max_pool3d backward',
        { shader: shaders.maxPool3dGeneralBackward },
        input,
        { grad_output: gradOutput, winners: op(forward('max_pool3d winners', true)) },
        windows,
      ),
    }),
  })
}
