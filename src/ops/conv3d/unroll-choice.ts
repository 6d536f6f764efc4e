import { channelGroups } from './tile.js'

/**
 * Voxels for which one turn of the loop chooses. Measured on lavapipe, 14 -> 14 channels: by scores as they are, 4 save only
 * half as much as 8; with logarithms, 8 save a third of what 4 do, and take twice as long to compile.
 */
const voxelsAtOnce = { plain: 8, logarithms: 4 }

interface ChoiceTile {
  /** Voxels along x. */
  readonly x: number
  /** All output channels. */
  readonly channels: number
  readonly vector: boolean
  /** Whether the prior's logarithm is added: above 0. */
  readonly least: number
  /** Channels of each class, in order; undefined if each channel is a class. */
  readonly counts: readonly number[] | undefined
}

/**
 * What shaders/conv3d/forward.wgsl does with its results if it stores the argmax alone. The registers of the tile move past
 * the loop, because an array of them would live in memory.
 *
 * @param results of every channel, in elements along x
 */
export function chooseAmong(
  results: readonly (readonly string[])[],
  { x, channels, vector, least, counts }: ChoiceTile,
): string[] {
  const step = vector ? 4 : 1
  const voxels = Math.min(x, voxelsAtOnce[counts || least > 0 ? 'logarithms' : 'plain'])
  const choices = Array.from({ length: voxels / step }, (_, i) => {
    const logits = results.map((elements, c) => `logit(${elements[i]!}, first + ${c}u * area + ${step * i}u)`)
    return [
      i === 0 ? '{' : `if (x + ${step * i}u < params.width) {`,
      ...scoresOf(logits, counts).map((score, k) =>
        k === 0 ? `var best = Best(${score}, Classes(0u));` : `best = better(best, ${score}, ${k}u);`,
      ),
      `output[(to + ${step * i}u) / WIDTH] = best.k;`,
      '}',
    ]
  })
  const moves = channelGroups(channels).flatMap((_, g) =>
    Array.from({ length: x - voxels }, (_, t) => `a${g}_${t} = a${g}_${t + voxels};`),
  )
  return [
    moves.length > 0
      ? `for (var x = x0; x < min(x0 + TILE_X, params.width); x += ${voxels}u) {`
      : '{ let x = x0;',
    'let at = y * params.width + x;',
    'let first = plane * params.outputs * area + at;',
    'let to = plane * area + at - params.output_base;',
    ...choices.flat(),
    ...moves,
    '}',
  ]
}

/** The score of every class, from those of its channels. */
function scoresOf(logits: readonly string[], counts: ChoiceTile['counts']): string[] {
  let end = 0
  return (counts ?? logits.map(() => 1)).map((count) => {
    const [first, ...others] = logits.slice(end, (end += count))
    if (others.length === 0) return first!
    return `log_of_sum(${others.reduce((sum, logit) => `add_exp(${sum}, ${logit})`, `ExpSum(${first!}, Element(1.0))`)})`
  })
}
