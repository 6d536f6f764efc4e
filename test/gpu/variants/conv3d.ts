import type { Choice } from '../../../src/graph/node.js'
import {
  unrollBackwardWeight,
  unrollBackwardWeightRows,
} from '../../../src/ops/conv3d/unroll-backward-weight.js'
import { unrollStridedBackwardWeight } from '../../../src/ops/conv3d/unroll-strided-backward-weight.js'
import { unrollStrided } from '../../../src/ops/conv3d/unroll-strided.js'
import { chooseAmong } from '../../../src/ops/conv3d/unroll-choice.js'
import { unrollForward } from '../../../src/ops/conv3d/unroll-forward.js'
import type { Variants } from '../kernel-variants.js'

/** A choice among classes of two channels and all others. */
const choiceOf = (least: number, channels: number): Choice => ({
  prior: undefined,
  least,
  unroll: (results, tile) =>
    chooseAmong(results, { ...tile, least, counts: channels > 1 ? [2, channels - 2] : undefined }),
})

export const variants: Variants = {
  forward: {
    parts: ({
      VECTOR: vector,
      COARSE_VECTOR: coarseVector,
      SUBGROUPS: subgroups,
      UPSAMPLED: upsampled,
      ARGMAX: argmax,
      LOG_PRIOR: logPrior,
    }) =>
      [
        { kernel: [1, 1, 1], x: 4, channels: 1, whole: true },
        { kernel: [3, 3, 3], x: 4, channels: 5, whole: false },
        { kernel: [1, 3, 5], x: vector ? 8 : 1, channels: 6, whole: true },
        // An upsampled input has no dilation.
        ...(upsampled
          ? []
          : [
              { kernel: [3, 3, 3], x: 8, channels: 5, whole: true, dilation: 4 },
              { kernel: [3, 3, 3], x: 4, channels: 1, whole: true, dilation: 7 },
            ]),
      ].map(({ kernel: [KD, KH, KW], ...tile }) => ({
        consts: {
          ...{ KD: KD!, KH: KH!, KW: KW!, DD: 2, DH: 3 },
          ...{ TILE_X: tile.x, TILE_CO: tile.channels, LANES: 64, PACKED: 64 },
        },
        generated: unrollForward({
          ...tile,
          kernelWidth: KW!,
          vector: vector!,
          coarseVector: coarseVector!,
          subgroup: subgroups ? 4 : 0,
          // Both forms of stores, each in half of the variants.
          storeLoop: subgroups!,
          ...(argmax
            ? {
                choice: choiceOf(logPrior ? 0.1 : 0, tile.channels),
              }
            : {}),
        }),
      })),
    impossible: ({ SIGMOID, SPLIT, UPSAMPLED, VECTOR, COARSE_VECTOR, MASK, ARGMAX, PRIOR, LOG_PRIOR }) =>
      ARGMAX && (SIGMOID || SPLIT || MASK)
        ? 'what is chosen among is neither activated nor a gradient'
        : (PRIOR && !ARGMAX) || (LOG_PRIOR && !PRIOR)
          ? 'the prior belongs to the choice, and its logarithm to the prior'
          : (SPLIT || MASK) && (SIGMOID || UPSAMPLED || (SPLIT && MASK))
            ? 'gradients are split or masked, and nothing else is'
            : COARSE_VECTOR && !(UPSAMPLED && VECTOR)
              ? 'coarse rows are vec4s only if fine ones are'
              : undefined,
  },
  backward_weight: {
    parts: ({ SUBGROUPS: subgroups, UPSAMPLED: upsampled, VECTOR: vector }) =>
      [
        { kernel: [1, 1, 1], channels: 1, rows: 1, whole: true },
        { kernel: [3, 3, 3], channels: 3, rows: 3, whole: false },
        { kernel: [5, 3, 11], channels: 2, rows: 1, whole: true },
      ].map(({ kernel: [KD, KH, KW], ...tile }) => ({
        consts: { KD: KD!, KH: KH!, KW: KW!, ROWS: tile.rows, TILE_CO: tile.channels, LANES: 64 },
        generated: unrollBackwardWeight({
          ...tile,
          kernelWidth: KW!,
          subgroup: subgroups ? 4 : 0,
          upsampled: upsampled!,
          vector: vector!,
        }),
      })),
    impossible: ({ UPSAMPLED, TRANSPOSED }) =>
      UPSAMPLED && TRANSPOSED ? 'parts of an input are not broadcast' : undefined,
  },
  backward_weight_rows: {
    parts: ({ UPSAMPLED: upsampled, VECTOR: vector }) =>
      [
        { kernel: [1, 1, 1], channels: 1, whole: true },
        { kernel: [3, 3, 3], channels: 3, whole: false },
        { kernel: [5, 3, 11], channels: 2, whole: true },
      ].map(({ kernel: [KD, KH, KW], ...tile }) => ({
        consts: { KD: KD!, KH: KH!, KW: KW!, TILE_CO: tile.channels, LANES: 64 },
        generated: unrollBackwardWeightRows({
          ...tile,
          kernelWidth: KW!,
          upsampled: upsampled!,
          vector: vector!,
        }),
      })),
    impossible: ({ UPSAMPLED, TRANSPOSED }) =>
      UPSAMPLED && TRANSPOSED ? 'parts of an input are not broadcast' : undefined,
  },
  strided: {
    parts: ({ TRANSPOSED: transposed, VECTOR: vector, SUBGROUPS: subgroups }) =>
      [
        { x: vector ? 4 : 1, channels: 1, inputs: 2, kernel: 1, stride: 1, padding: 0, whole: true },
        { x: 4, channels: 5, inputs: 1, kernel: 3, stride: 2, padding: 1, whole: false },
        { x: vector ? 12 : 3, channels: 6, inputs: 1, kernel: 4, stride: 3, padding: 2, whole: true },
      ].map(({ x, channels, inputs, ...tile }) => ({
        consts: { TILE_X: x, TILE_CO: channels, TILE_CI: inputs, LANES: 64, PACKED: 64 },
        generated: unrollStrided({
          ...{ x, channels, inputs, ...tile },
          transposed: transposed!,
          vector: vector!,
          subgroup: subgroups ? 4 : 0,
        }),
      })),
  },
  strided_backward_weight: {
    parts: ({ VECTOR: vector, SUBGROUPS: subgroups }) =>
      [
        { channels: 1, rows: 1, kernel: 1, stride: [1, 1], padding: 0, whole: true } as const,
        { channels: 5, rows: 3, kernel: 3, stride: [2, 2], padding: 1, whole: false } as const,
        { channels: 2, rows: 1, kernel: 4, stride: [3, 3], padding: 2, whole: true } as const,
      ].map((tile) => ({
        consts: { ROWS: tile.rows, TILE_CO: tile.channels, LANES: 64 },
        generated: unrollStridedBackwardWeight({
          ...tile,
          vector: vector!,
          subgroup: subgroups ? 4 : 0,
          storeLoop: subgroups!,
        }),
      })),
  },
  general_forward: { parts: () => [{ consts: { TILE_CO: 1 } }, { consts: { TILE_CO: 3 } }] },
  general_backward_input: { parts: () => [{ consts: { TILE_CI: 1 } }, { consts: { TILE_CI: 3 } }] },
  general_backward_weight: { parts: () => [{ consts: { TILE_CO: 1 } }, { consts: { TILE_CO: 3 } }] },
}
