import { gatherResults } from '../shared/store-loop.js'
import { added, component } from '../shared/wgsl.js'

interface StridedWeightTile {
  /** Output channels of a block. */
  readonly channels: number
  /** Whether the channels divide into whole blocks. */
  readonly whole: boolean
  /** Taps dy that an invocation holds sums for. */
  readonly rows: number
  /** Along x. */
  readonly kernel: number
  /** Along y and x. */
  readonly stride: readonly [number, number]
  /** Along x. */
  readonly padding: number
  /** Whether rows are whole vec4s and are loaded as such. */
  readonly vector: boolean
  /** Lanes of a subgroup that share loads by broadcasting; 0 without subgroups. */
  readonly subgroup: number
  /** Whether a loop stores the results (see `gatherResults`). */
  readonly storeLoop: boolean
}

/**
 * Unrolls the body of shaders/conv3d/strided_backward_weight.wgsl.
 *
 * Registers: `a{c}_{dy}_{dx}` are the sums; `g{c}` four gradients of channel c; `mine{c}` those that a lane reads for its
 * subgroup, of a channel from c on; `b{dy}_{j}` the inputs under them, at from_x - padding + j of row from_y + dy.
 */
export function unrollStridedBackwardWeight(tile: StridedWeightTile): Record<string, string> {
  const { channels, whole, rows, kernel, stride, subgroup } = tile
  const [down, along] = stride
  const width = 3 * along + kernel
  const declare: string[] = []
  const slide: string[] = []
  const multiply: string[] = []

  for (let dy = 0; dy < rows; dy++) {
    for (let j = 0; j < width; j++) {
      declare.push(`var b${dy}_${j} = 0.0;`)
      if (dy + down < rows) slide.push(`b${dy}_${j} = b${dy + down}_${j};`)
    }
  }
  const rowsFrom = (first: number) => Array.from({ length: rows - first }, (_, i) => first + i)
  const first = rowsFrom(Math.min(down, rows)).flatMap((dy) => loadRow(tile, dy, width))
  slide.push(...rowsFrom(Math.max(0, rows - down)).flatMap((dy) => loadRow(tile, dy, width)))

  for (let c = 0; c < channels; c++) {
    const source = subgroup > 0 ? c % subgroup : 0
    if (source === 0) {
      const read = subgroup > 0 ? Math.min(subgroup, channels - c) : 1
      const channel = subgroup > 0 ? `(${c}u + min(sublane % ${subgroup}u, ${read - 1}u))` : `${c}u`
      // A channel past the end repeats the last one and is not stored.
      const clamped = whole ? channel : `min(${channel}, params.out_channels - 1u - block * TILE_CO)`
      declare.push(`let from${c} = ${clamped} * out_area;`)
      multiply.push(`let mine${c} = load_gradients(out_row + from${c}, x);`)
    }
    multiply.push(
      `let g${c} = ${subgroup > 0 ? `subgroupBroadcast(mine${c - source}, ${source}u)` : `mine${c}`};`,
    )
    for (let dy = 0; dy < rows; dy++) {
      for (let dx = 0; dx < kernel; dx++) {
        const sum = `a${c}_${dy}_${dx}`
        declare.push(`var ${sum} = 0.0;`)
        for (let t = 0; t < 4; t++)
          multiply.push(`${sum} = fma(g${c}.${component[t]!}, b${dy}_${t * along + dx}, ${sum});`)
      }
    }
  }
  return {
    declare: declare.join('\n'),
    first: first.join('\n'),
    slide: slide.join('\n'),
    multiply: multiply.join('\n'),
    store: (tile.storeLoop ? loopOfStores(tile) : stores(tile)).join('\n'),
  }
}

/** The sums of every channel, by tap. */
function sums({ channels, rows, kernel }: StridedWeightTile): string[][] {
  return Array.from({ length: channels }, (_, c) =>
    Array.from({ length: rows * kernel }, (_, tap) => `a${c}_${Math.floor(tap / kernel)}_${tap % kernel}`),
  )
}

/** Stores the sums. The last block may hold fewer channels than the tile. */
function stores(tile: StridedWeightTile): string[] {
  return sums(tile).flatMap((taps, c) => [
    tile.whole ? '{' : `if (block * TILE_CO + ${c}u < params.out_channels) {`,
    ...taps.map((sum, tap) => `partials[to + ${c}u * size + ${tap}u] = ${sum};`),
    '}',
  ])
}

/** The same in a loop. */
function loopOfStores(tile: StridedWeightTile): string[] {
  const taps = tile.rows * tile.kernel
  return [
    ...gatherResults('f32', sums(tile).flat()),
    `let sums = min(TILE_CO, params.out_channels - block * TILE_CO) * ${taps}u;`,
    `for (var i = 0u; i < sums; i++) { partials[to + i / ${taps}u * size + i % ${taps}u] = results[i]; }`,
  ]
}

/** Loads a row of the input; four voxels at once if all of a vec4 are needed. */
function loadRow({ padding, vector }: StridedWeightTile, dy: number, width: number): string[] {
  const lines = [
    '{',
    `let yi = from_y + ${dy}u;`,
    'let inside = inside_z & (yi < params.in_height);',
    'let row = in_plane + yi * params.in_width;',
  ]
  for (let j = 0; j < width; j++) {
    const at = j - padding
    const place = ((at % 4) + 4) % 4
    const first = j - place
    const isQuad = vector && first >= 0 && first + 4 <= width
    if (isQuad && place === 0) lines.push(`let q${j} = load4(row, from_x ${added(at)}, inside);`)
    lines.push(
      `b${dy}_${j} = ${isQuad ? `q${first}.${component[place]!}` : `load(row, from_x ${added(at)}, inside)`};`,
    )
  }
  return [...lines, '}']
}
