import { defineNode, scratch } from '../graph/node.js'
import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'
import { sumRows } from './shared/reduce.js'
import { targetsOf } from './shared/targets.js'

/** How `softDice` treats classes that are rare or absent. */
export interface SoftDiceOptions {
  /** Added to numerator and denominator, above 0: an absent class has loss 0. Default 1. */
  readonly smooth?: number
}

/**
 * Soft Dice loss (Milletari et al. 2016 with sums instead of sums of squares), a scalar: 1 - the mean over images and
 * classes of (2 sum p t + smooth) / (sum p + sum t + smooth), sums over the voxels of an image.
 *
 * @param probabilities [N, C, D, H, W]
 * @param target probabilities of the same shape, or u32 labels [N, 1, D, H, W] or [N, D, H, W], which stand for their
 *   one-hot form; no gradient flows into them
 * @throws Error if the target has another shape, or `smooth` is not positive
 */
export function softDice(probabilities: Value, target: Value, options: SoftDiceOptions = {}): Value {
  const { smooth = 1 } = options
  if (!(smooth > 0)) throw new Error(`soft_dice: smooth must be positive, not ${smooth}`)
  const { labels, ...given } = targetsOf('soft_dice', probabilities, target)
  const flags = { LABELS: labels }
  const { batch, channels, depth, planes } = volumeShape(probabilities, 'soft_dice')
  const scale = 1 / (batch * channels)
  const partials = scratch('soft_dice partials', [planes, channels, 2])
  const losses = scratch('soft_dice losses', [batch, channels])
  const { outputs } = defineNode({
    name: 'soft_dice',
    inputs: { probabilities, target },
    outputs: [{ shape: [1] }, { name: 'soft_dice sums', shape: [batch, channels, 2] }],
    scratch: [partials, losses],
    planes,
    emit: (_, device, slab) =>
      planewise(
        {
          shader: shaders.softDiceForward,
          flags,
          params: { channels },
          volumes: { probabilities, ...given.volumes },
          flats: { partials, ...given.flats },
          over: { workgroupPerChannel: channels },
        },
        device,
        slab,
      ),
    finish: ([output, sums]) => [
      {
        shader: shaders.softDiceFinish,
        params: { channels, depth, smooth_by: smooth },
        bindings: { partials: whole(partials), sums: whole(sums), losses: whole(losses) },
        workgroups: [channels, batch, 1],
      },
      sumRows(losses, output, scale),
    ],
    // Only the loss has a gradient: the sums are internal to this op.
    backward: ([gradOutput], [, sums]) => ({
      probabilities: op({
        name: 'soft_dice backward',
        inputs: { sums, target, gradOutput },
        // At most one over the number of voxels.
        output: { shape: probabilities.shape, wide: true },
        planes,
        emit: (gradProbabilities, device, slab) =>
          planewise(
            {
              shader: shaders.softDiceBackward,
              flags,
              params: { channels, depth, smooth_by: smooth, scale },
              volumes: { grad_probabilities: gradProbabilities, ...given.volumes },
              flats: { sums, grad_output: gradOutput!, ...given.flats },
              over: { channels },
            },
            device,
            slab,
          ),
      }),
    }),
  })
  return outputs[0]
}
