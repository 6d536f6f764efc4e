import { unrollBackwardWeight } from '../../../src/ops/label-conv3d/unroll-backward-weight.js'
import { unrollForward } from '../../../src/ops/label-conv3d/unroll-forward.js'
import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  forward: {
    parts: ({ VECTOR: vector }) =>
      [
        { kernel: [1, 1, 1], x: 4 },
        { kernel: [3, 3, 3], x: vector ? 8 : 2 },
        { kernel: [1, 3, 5], x: 4 },
      ].map(({ kernel: [KD, KH, KW], x }) => ({
        consts: { KD: KD!, KH: KH!, KW: KW!, TILE_X: x, PACKED: 64 },
        generated: unrollForward({ x, kernelWidth: KW!, vector: vector!, storeLoop: x === 4 }),
      })),
  },
  backward_weight: {
    parts: () =>
      [
        { kernel: [1, 1, 1], classes: 1, whole: true },
        { kernel: [3, 3, 3], classes: 3, whole: false },
        { kernel: [5, 1, 11], classes: 2, whole: true },
      ].map(({ kernel: [KD, KH, KW], ...tile }) => ({
        consts: { KD: KD!, KH: KH!, KW: KW!, CLASSES: tile.classes },
        generated: unrollBackwardWeight({
          ...tile,
          kernelHeight: KH!,
          kernelWidth: KW!,
          storeLoop: !tile.whole,
        }),
      })),
  },
}
