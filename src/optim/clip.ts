import { scratch, type KernelCall } from '../graph/node.js'
import { op } from '../graph/op.js'
import type { Value } from '../graph/value.js'
import { whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'

/**
 * The scalar min(1, maxNorm / norm of all gradients together), as torch.nn.utils.clip_grad_norm_.
 *
 * @throws Error if `maxNorm` is not positive
 */
export function clipFactor(grads: readonly Value[], maxNorm: number): Value {
  if (!(maxNorm > 0)) throw new Error(`clip_factor: the largest norm must be positive, not ${maxNorm}`)
  const squares = scratch('squared norms', [grads.length])
  return op({
    name: 'clip_factor',
    inputs: Object.fromEntries(grads.map((grad, i) => [`grad${i}`, grad])),
    output: { shape: [1] },
    scratch: [squares],
    emit: (output) => [
      ...grads.map((grad, slot): KernelCall => ({
        shader: shaders.clipNormSquares,
        params: { count: grad.size, slot },
        bindings: { grad: whole(grad), squares: whole(squares) },
        workgroups: [1],
      })),
      {
        shader: shaders.clipNormFactor,
        params: { count: grads.length, max_norm: maxNorm },
        bindings: { squares: whole(squares), output: whole(output) },
        workgroups: [1],
      },
    ],
  })
}
