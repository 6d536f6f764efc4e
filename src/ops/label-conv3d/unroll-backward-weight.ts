import { gatherResults } from '../shared/store-loop.js'
import { component } from '../shared/wgsl.js'

export interface BackwardWeightTile {
  /** Classes of a block. */
  readonly classes: number
  /** Whether the classes divide into whole blocks. */
  readonly whole: boolean
  readonly kernelHeight: number
  readonly kernelWidth: number
  /** Whether a loop stores the results (see `gatherResults`). */
  readonly storeLoop: boolean
}

/**
 * Unrolls the body of shaders/label_conv3d/backward_weight.wgsl.
 *
 * Registers: `a{c}_{dy}_{dx}` are the sums; `m{c}` is 1 if one of four labels is class c of the block, else 0;
 * `g{dy}_{i}` the row y+kh/2-dy of gradients in vec4s, the current one in the middle, a window that slides along the row
 * so that each step loads one new vec4.
 */
export function unrollBackwardWeight(tile: BackwardWeightTile): Record<string, string> {
  const { classes, kernelHeight, kernelWidth } = tile
  const half = (kernelWidth - 1) / 2
  const side = Math.ceil(half / 4)
  const window = 2 * side + 1
  const declare: string[] = []
  const start: string[] = []
  const add: string[] = []

  for (let c = 0; c < classes; c++) {
    for (let dy = 0; dy < kernelHeight; dy++) {
      for (let dx = 0; dx < kernelWidth; dx++) declare.push(`var a${c}_${dy}_${dx} = 0.0;`)
    }
  }
  for (let dy = 0; dy < kernelHeight; dy++) {
    start.push(`let y${dy} = y + KH / 2u - ${dy}u;`)
    start.push(`let inside${dy} = inside_z && y${dy} < params.height;`)
    start.push(`let row${dy} = grad_plane + y${dy} * params.width;`)
    for (let i = 0; i < window; i++) {
      // One step back: the first shift moves the voxels at x = 0 into the middle.
      const ahead = 4 * (i - side - 1)
      start.push(
        `var g${dy}_${i} = ${ahead < 0 ? 'vec4f(0.0)' : `load_grad(row${dy}, ${ahead}u, inside${dy})`};`,
      )
    }
  }
  for (let dy = 0; dy < kernelHeight; dy++) {
    for (let i = 0; i + 1 < window; i++) add.push(`g${dy}_${i} = g${dy}_${i + 1};`)
    add.push(`g${dy}_${window - 1} = load_grad(row${dy}, x + ${4 * side}u, inside${dy});`)
  }
  add.push('let label = load_labels(label_row, x);')
  for (let c = 0; c < classes; c++) {
    // The sum of a class past the last is not stored. Used as a factor, one comparison serves all taps with one fma
    // each; selecting the gradient would take a select and an addition per tap.
    add.push(`let m${c} = select(vec4f(0.0), vec4f(1.0), label == vec4u(first_class + ${c}u));`)
    for (let dy = 0; dy < kernelHeight; dy++) {
      for (let dx = 0; dx < kernelWidth; dx++) {
        const sum = `a${c}_${dy}_${dx}`
        for (let t = 0; t < 4; t++) {
          const at = t + half - dx + 4 * side
          const value = `g${dy}_${Math.floor(at / 4)}.${component[at % 4]!}`
          add.push(`${sum} = fma(m${c}.${component[t]!}, ${value}, ${sum});`)
        }
      }
    }
  }
  return {
    declare: declare.join('\n'),
    start: start.join('\n'),
    add: add.join('\n'),
    store: (tile.storeLoop ? loopOfStores(tile) : stores(tile)).join('\n'),
  }
}

/** Stores the sums. The last block may hold fewer classes than the tile. */
function stores({ classes, whole, kernelHeight, kernelWidth }: BackwardWeightTile): string[] {
  const lines: string[] = []
  for (let c = 0; c < classes; c++) {
    if (!whole) lines.push(`if (first_class + ${c}u < params.classes) {`)
    for (let dy = 0; dy < kernelHeight; dy++) {
      const entry = `(((to + first_class + ${c}u) * KD + dz) * KH + ${dy}u) * KW`
      for (let dx = 0; dx < kernelWidth; dx++) lines.push(`partials[${entry} + ${dx}u] = a${c}_${dy}_${dx};`)
    }
    if (!whole) lines.push('}')
  }
  return lines
}

/** The same in a loop. */
function loopOfStores({ classes, kernelHeight, kernelWidth }: BackwardWeightTile): string[] {
  const taps = kernelHeight * kernelWidth
  const sums = Array.from(
    { length: classes * taps },
    (_, i) => `a${Math.floor(i / taps)}_${Math.floor((i % taps) / kernelWidth)}_${i % kernelWidth}`,
  )
  return [
    ...gatherResults('f32', sums),
    'let sums = min(CLASSES, params.classes - first_class) * (KH * KW);',
    'for (var i = 0u; i < sums; i++) {',
    'let c = first_class + i / (KH * KW);',
    'partials[((to + c) * KD + dz) * (KH * KW) + i % (KH * KW)] = results[i];',
    '}',
  ]
}
