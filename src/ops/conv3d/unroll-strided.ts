import type { Tile } from '../../gpu/tiles.js'
import { added, component, componentOf, firstOf, packedWeight, repeated } from '../shared/wgsl.js'
import { channelGroups } from './tile.js'

interface StridedTile extends Tile {
  /** Whether the output channels divide into whole blocks. */
  readonly whole: boolean
  /** Input channels of an iteration, which divide all input channels. */
  readonly inputs: number
  /** Along x. */
  readonly kernel: number
  readonly stride: number
  readonly padding: number
  /** Whether the outputs lie `stride` times as dense as the inputs, rather than the inputs as the outputs. */
  readonly transposed: boolean
  /** Whether rows are whole vec4s; the tile's width is a multiple of 4 then. */
  readonly vector: boolean
  /** Lanes of a subgroup that share weights by broadcasting; 0 without subgroups. */
  readonly subgroup: number
}

/**
 * Unrolls the body of shaders/conv3d/strided.wgsl along x for one tile; of a transposed convolution, its width is a
 * multiple of the stride.
 *
 * Registers: `a{g}_{t}` accumulates channel group g at x0+t; `v{c}_{j}` is input j of those needed of channel c;
 * `w{c}_{dx}_{g}` is the weight of packed tap dx for group g, `mine{i}` a weight that a lane reads for its subgroup.
 */
export function unrollStrided(tile: StridedTile): Record<string, string> {
  const { x, channels, inputs, kernel, whole, vector, subgroup } = tile
  const groups = channelGroups(channels)
  const met = Array.from({ length: x }, (_, t) => tapsOf(tile, t))
  const needed = [...new Set(met.flat().map(({ from }) => from))].sort((a, b) => a - b)
  const weights = inputs * kernel * groups.length
  const reads = subgroup === 0 ? 0 : Math.ceil(weights / subgroup)
  const declare: string[] = []
  const multiply = indices(inputs).flatMap((c) => loads(tile, c, needed))
  const store: string[] = []

  groups.forEach((size, g) => {
    declare.push(`let bias${g} = packed[bias_at + ${g}u]${firstOf(size)};`)
    for (let t = 0; t < x; t++) declare.push(`var a${g}_${t} = bias${g};`)
  })
  // Lane r reads weight r, counted in the order [c][dx][g].
  for (let i = 0; i < reads; i++) {
    declare.push(
      `let role${i} = min(sublane % ${subgroup}u + ${i * subgroup}u, ${weights - 1}u);`,
      `let from${i} = role${i} / ${kernel * groups.length}u * params.weight_groups + role${i} / ${groups.length}u % ${kernel}u * tap + role${i} % ${groups.length}u;`,
    )
    multiply.push(`let mine${i} = packed[at + from${i}];`)
  }
  groups.forEach((size, g) => {
    for (const c of indices(inputs)) {
      for (const dx of indices(kernel)) {
        const role = (c * kernel + dx) * groups.length + g
        const at = `at + ${c}u * params.weight_groups + ${dx}u * tap + ${g}u`
        multiply.push(`let w${c}_${dx}_${g} = ${packedWeight(at, role, subgroup, size)};`)
      }
    }
    // All products of one accumulator are adjacent, so it is loaded and stored once per iteration.
    met.forEach((taps, t) => {
      for (const c of indices(inputs)) {
        for (const { dx, from } of taps) {
          const value = repeated(voxel(c, from - needed[0]!), size)
          multiply.push(`a${g}_${t} = fma(${value}, w${c}_${dx}_${g}, a${g}_${t});`)
        }
      }
    })
    // The last block may hold fewer channels than the tile, the last tile fewer voxels than its width.
    for (let i = 0; i < size; i++) {
      const channel = `block * TILE_CO + ${4 * g + i}u`
      store.push(whole ? '{' : `if (${channel} < params.outputs) {`)
      store.push(
        `let to = (plane * params.outputs + ${channel}) * params.out_height * params.out_width + within - params.output_base;`,
      )
      const value = (t: number) => componentOf(`a${g}_${t}`, size, i)
      for (let t = 0; t < x; t += vector ? 4 : 1) {
        const element = vector ? `vec4f(${[t, t + 1, t + 2, t + 3].map(value).join(', ')})` : value(t)
        const write = `store(to + ${t}u, ${element});`
        store.push(t === 0 ? write : `if (x0 + ${t}u < params.out_width) { ${write} }`)
      }
      store.push('}')
    }
  })
  return { declare: declare.join('\n'), multiply: multiply.join('\n'), store: store.join('\n') }
}

/** The packed taps that output t of a tile meets, and the inputs under them, counted from from_x. */
function tapsOf(
  { kernel, stride, padding, transposed }: StridedTile,
  t: number,
): { dx: number; from: number }[] {
  if (!transposed) return indices(kernel).map((dx) => ({ dx, from: t * stride + dx - padding }))
  // The weights are packed in the opposite order.
  return indices(kernel)
    .map((dx) => ({ dx, from: (t + padding - (kernel - 1 - dx)) / stride }))
    .filter(({ from }) => Number.isInteger(from))
}

/** Reads what is needed of input channel c; four voxels at once if all are needed and tiles begin at whole vec4s. */
function loads(
  { x, stride, transposed, vector }: StridedTile,
  c: number,
  needed: readonly number[],
): string[] {
  const aligned = vector && (transposed ? x / stride : x * stride) % 4 === 0
  const row = `row + ${c}u * area`
  return needed.flatMap((j) => {
    const name = voxel(c, j - needed[0]!)
    const place = ((j % 4) + 4) % 4
    const first = j - place
    if (!aligned || !indices(4).every((i) => needed.includes(first + i)))
      return [`let ${name} = load(${row}, from_x ${added(j)}, inside);`]
    const quad = `q${voxel(c, first - needed[0]!)}`
    const load = place === 0 ? [`let ${quad} = load4(${row}, from_x ${added(first)}, inside);`] : []
    return [...load, `let ${name} = ${quad}.${component[place]!};`]
  })
}

function voxel(c: number, j: number): string {
  return `v${c}_${j}`
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
