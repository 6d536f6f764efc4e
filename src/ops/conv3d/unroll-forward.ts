import type { Tile } from '../../gpu/tiles.js'
import type { Choice } from '../../graph/node.js'
import { gatherResults } from '../shared/store-loop.js'
import { added, component, componentOf, firstOf, packedWeight, repeated } from '../shared/wgsl.js'
import { channelGroups } from './tile.js'

interface ForwardTile extends Tile {
  /** Whether the output channels divide into whole blocks. */
  readonly whole: boolean
  readonly kernelWidth: number
  /** Voxels along x from one tap to the next. Default 1. */
  readonly dilation?: number
  /** Whether rows are whole vec4s and are loaded as such; the tile's width is a multiple of 4 then. */
  readonly vector: boolean
  /** The same for the rows of a coarse volume, if one is read. */
  readonly coarseVector?: boolean
  /** Lanes of a subgroup that share weights by broadcasting; 0 without subgroups. */
  readonly subgroup: number
  /** Whether a loop stores the results (see `gatherResults`). */
  readonly storeLoop: boolean
  /** How the argmax of the channels is chosen, if it is stored in their place. */
  readonly choice?: Choice | undefined
}

/**
 * Unrolls the body of shaders/conv3d/forward.wgsl for one tile.
 *
 * Registers: `a{g}_{t}` accumulates channel group g at x0+t; `v{j}` is the input at x0+j, `v_{j}` that at x0-j; `w{k}_{g}` is the
 * k-th weight of a row for group g, `mine{i}` a weight that a lane reads for its subgroup. WGSL arrays would be simpler, but an
 * indexed private array lives in memory on most drivers, and this is the innermost loop.
 */
export function unrollForward(tile: ForwardTile): Record<string, string> {
  const [fine, coarse] = [fineRow(tile), coarseRow(tile)]
  const sums = channelGroups(tile.channels).flatMap((size, g) => [
    `let bias${g} = packed[bias_at + ${g}u]${firstOf(size)};`,
    ...Array.from({ length: tile.x }, (_, t) => `var a${g}_${t} = bias${g};`),
  ])
  const declare = (row: Row) => [...existing(row), ...broadcastRegisters(tile, row)]
  const multiply = (row: Row) => [...loads(row), ...multiplyAdds(tile, row)].join('\n')
  return {
    declare: [...sums, ...declare(fine)].join('\n'),
    declare_coarse: declare(coarse).join('\n'),
    multiply: multiply(fine),
    multiply_coarse: multiply(coarse),
    store: storesOf(tile).join('\n'),
  }
}

function storesOf(tile: ForwardTile): string[] {
  const { choice } = tile
  if (choice) return choice.unroll(results(tile), tile)
  return tile.storeLoop ? loopOfStores(tile) : stores(tile)
}

/** What a tile does with one row of one input channel. */
interface Row {
  /** The binding that holds it, the type of its elements, and how many voxels an element has. */
  readonly binding: 'input' | 'coarse'
  readonly element: 'Element' | 'CoarseElement'
  readonly step: 1 | 4
  /** The position of the tile's first voxel in the row, and the width of the row. */
  readonly x0: string
  readonly width: string
  /** Weights of the row, and the distance from one to the next. */
  readonly weights: number
  readonly stride: string
  /** The products of each output of the tile: which weight, and which voxel counted from the tile's first. */
  readonly products: readonly (readonly { readonly weight: number; readonly voxel: number }[])[]
}

function fineRow({ x, kernelWidth, dilation = 1, vector }: ForwardTile): Row {
  const half = (kernelWidth - 1) / 2
  return {
    ...{ binding: 'input', element: 'Element', step: vector ? 4 : 1 },
    ...{ x0: 'x0', width: 'params.width', weights: kernelWidth, stride: 'tap' },
    products: grid(x, kernelWidth, (t, dx) => ({ weight: dx, voxel: t + (dx - half) * dilation })),
  }
}

/** Of an upsampled volume: taps that read the same coarse voxel share a weight. Tiles begin at even positions. */
function coarseRow({ x, kernelWidth, coarseVector = false }: ForwardTile): Row {
  const half = (kernelWidth - 1) / 2
  const reach = half + 1
  return {
    ...{ binding: 'coarse', element: 'CoarseElement', step: coarseVector ? 4 : 1 },
    ...{ x0: 'x0 / 2u', width: 'params.width / 2u', weights: 2 * reach, stride: 'coarse_tap' },
    products: grid(x, reach, (t, jx) => ({
      weight: (t % 2) * reach + jx,
      voxel: Math.floor(t / 2) + Math.floor(((t % 2) - half) / 2) + jx,
    })),
  }
}

function grid<T>(rows: number, columns: number, item: (row: number, column: number) => T): T[][] {
  return Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => item(r, c)))
}

/** The result of every output channel of the block, in elements along x. */
function results({ channels, x, vector }: ForwardTile): string[][] {
  const step = vector ? 4 : 1
  return channelGroups(channels).flatMap((size, g) =>
    Array.from({ length: size }, (_, i) => {
      const value = (t: number) => componentOf(`a${g}_${t}`, size, i)
      return Array.from({ length: x / step }, (_, at) =>
        vector ? `vec4f(${[0, 1, 2, 3].map((t) => value(4 * at + t)).join(', ')})` : value(at),
      )
    }),
  )
}

/** Stores the tile. The last block may hold fewer channels than the tile, the last tile fewer voxels than its width. */
function stores(tile: ForwardTile): string[] {
  const step = tile.vector ? 4 : 1
  return results(tile).flatMap((elements, c) => {
    const channel = `block * TILE_CO + ${c}u`
    return [
      tile.whole ? '{' : `if (${channel} < all_outputs) {`,
      `let to = channel_start(plane, ${channel}, area) + within;`,
      ...elements.map((element, i) => {
        const write = `store(${channel}, to + ${step * i}u, ${element});`
        return i === 0 ? write : `if (x0 + ${step * i}u < params.width) { ${write} }`
      }),
      '}',
    ]
  })
}

/** The same in loops over channels and voxels. */
function loopOfStores(tile: ForwardTile): string[] {
  const step = tile.vector ? 4 : 1
  return [
    ...gatherResults('Element', results(tile).flat()),
    'let first_co = block * TILE_CO;',
    'for (var co = first_co; co < min(first_co + TILE_CO, all_outputs); co++) {',
    'let to = channel_start(plane, co, area) + y * params.width;',
    `for (var x = x0; x < min(x0 + TILE_X, params.width); x += ${step}u) {`,
    `store(co, to + x, results[((co - first_co) * TILE_X + x - x0) / ${step}u]);`,
    '}',
    '}',
  ]
}

/** The elements of a row that the tile reads, counted from the tile's first, each with those of its voxels that it needs. */
function elementsRead({ products, step }: Row): Map<number, Set<number>> {
  const read = new Map<number, Set<number>>()
  for (const { voxel } of products.flat()) {
    const at = Math.floor(voxel / step)
    read.set(at, (read.get(at) ?? new Set()).add(voxel))
  }
  return read
}

/** The register of a voxel. */
const register = (voxel: number) => `v${voxel}`.replace('-', '_')

/** Which of the elements exist in the row; positions before it wrap around. */
function existing(row: Row): string[] {
  return [...elementsRead(row).keys()].map(
    (at, i) =>
      `let ${row.binding}_has${i} = ${at === 0 ? 'true' : `${row.x0} ${added(row.step * at)} < ${row.width}`};`,
  )
}

/** Reads every input that some product of the tile needs, or the zero padding; reads beyond a binding are harmless. */
function loads(row: Row): string[] {
  const { binding, element, step } = row
  return [...elementsRead(row)].flatMap(([at, voxels], i) => [
    `let q${i} = select(${element}(0.0), ${element}(${binding}[row ${added(at)}]), inside && ${binding}_has${i});`,
    ...[...voxels].map(
      (voxel) => `let ${register(voxel)} = q${i}${step === 4 ? `.${component[voxel - 4 * at]!}` : ''};`,
    ),
  ])
}

/**
 * Indices of the weights of one input channel and row that a lane reads: lane r reads weight r / groups for group r %
 * groups.
 */
function broadcastRegisters(
  { channels, subgroup }: ForwardTile,
  { binding, weights, stride }: Row,
): string[] {
  const groups = channelGroups(channels).length
  return Array.from({ length: broadcastCount(weights * groups, subgroup) }, (_, i) => {
    const role = `min(sublane % ${subgroup}u + ${i * subgroup}u, ${weights * groups - 1}u)`
    return `let ${binding}_from${i} = ${role} / ${groups}u * ${stride} + ${role} % ${groups}u;`
  })
}

/** How many reads each lane of a subgroup needs until all weights are loaded. */
function broadcastCount(weights: number, subgroup: number): number {
  return subgroup === 0 ? 0 : Math.ceil(weights / subgroup)
}

/** The multiply-adds of one input channel and row. */
function multiplyAdds(tile: ForwardTile, { binding, weights, stride, products }: Row): string[] {
  const { subgroup } = tile
  const groups = channelGroups(tile.channels)
  const lines = Array.from(
    { length: broadcastCount(weights * groups.length, subgroup) },
    (_, i) => `let mine${i} = packed[at + ${binding}_from${i}];`,
  )
  groups.forEach((size, g) => {
    for (let k = 0; k < weights; k++) {
      const role = k * groups.length + g
      const weight = packedWeight(`at + ${k}u * ${stride} + ${g}u`, role, subgroup, size)
      lines.push(`let w${k}_${g} = ${weight};`)
    }
    // All products of one accumulator are adjacent, so it is loaded and stored once per row, not once per product.
    products.forEach((taps, t) => {
      for (const { weight, voxel } of taps) {
        lines.push(`a${g}_${t} = fma(${repeated(register(voxel), size)}, w${weight}_${g}, a${g}_${t});`)
      }
    })
  })
  return lines
}
