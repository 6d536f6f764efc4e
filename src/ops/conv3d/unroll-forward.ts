import type { Tile } from '../../gpu/tiles.js'
import { gatherResults } from '../shared/store-loop.js'
import { channelGroups } from './tile.js'

const vectorType = ['', 'f32', 'vec2f', 'vec3f', 'vec4f']
const swizzle = ['', '.x', '.xy', '.xyz', '']
const component = ['x', 'y', 'z', 'w']

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
}

/**
 * Unrolls the body of shaders/conv3d/forward.wgsl for one tile.
 *
 * Registers: `a{g}_{t}` accumulates channel group g at x0+t; `v{j}` is the input at x0+j-(kw/2)*dilation; `w{dx}_{g}` is the weight
 * of tap dx for group g, `mine{i}` a weight that a lane reads for its subgroup. WGSL arrays would be simpler, but an
 * indexed private array lives in memory on most drivers, and this is the innermost loop.
 */
export function unrollForward(tile: ForwardTile): Record<string, string> {
  const { kernelWidth } = tile
  const groups = channelGroups(tile.channels)
  const declare: string[] = []

  groups.forEach((size, g) => {
    declare.push(`let bias${g} = packed[bias_at + ${g}u]${swizzle[size]!};`)
    for (let t = 0; t < tile.x; t++) declare.push(`var a${g}_${t} = bias${g};`)
  })
  declare.push(...existing(tile), ...broadcastRegisters(tile))

  const ownTaps = Array.from({ length: kernelWidth }, (_, dx) => [dx])
  const multiply = multiplyAdds(
    tile,
    () => ownTaps,
    (at) => `packed[${at}]`,
  )
  // Taps that read the same coarse voxel count as one tap.
  const coarseTaps = (t: number) => {
    const byVoxel = new Map<number, number[]>()
    for (let dx = 0; dx < kernelWidth; dx++) {
      const voxel = tile.x === 1 ? dx : Math.floor((t + dx - (kernelWidth - 1) / 2) / 2)
      byVoxel.set(voxel, [...(byVoxel.get(voxel) ?? []), dx])
    }
    return [...byVoxel.values()]
  }
  const multiplyCoarse = multiplyAdds(tile, coarseTaps, (at) => `coarse_weight(${at}, both, KH * KW * tap)`)

  return {
    declare: declare.join('\n'),
    multiply: [...loads(tile), ...multiply].join('\n'),
    multiply_coarse: [...coarseLoads(tile), ...multiplyCoarse].join('\n'),
    store: (tile.storeLoop ? loopOfStores(tile) : stores(tile)).join('\n'),
  }
}

/** The result of every output channel of the block, in elements along x. */
function results({ channels, x, vector }: ForwardTile): string[][] {
  const step = vector ? 4 : 1
  return channelGroups(channels).flatMap((size, g) =>
    Array.from({ length: size }, (_, i) => {
      const value = (t: number) => (size === 1 ? `a${g}_${t}` : `a${g}_${t}.${component[i]!}`)
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

/** The same in a loop. Its bounds are not constant, because drivers would unroll it. */
function loopOfStores(tile: ForwardTile): string[] {
  const step = tile.vector ? 4 : 1
  return [
    ...gatherResults('Element', results(tile).flat()),
    'for (var c = 0u; c < min(TILE_CO, all_outputs - block * TILE_CO); c++) {',
    'let to = channel_start(plane, block * TILE_CO + c, area) + within;',
    `for (var t = 0u; t < min(TILE_X, params.width - x0); t += ${step}u) {`,
    `store(block * TILE_CO + c, to + t, results[(c * TILE_X + t) / ${step}u]);`,
    '}',
    '}',
  ]
}

/** The vectors of a row that the tile's taps read, as wide as an `Element` and counted from the tile's first. */
function vectorsRead({ x, kernelWidth, dilation = 1, vector }: ForwardTile): Map<number, number[]> {
  const reach = ((kernelWidth - 1) / 2) * dilation
  const needed = new Set<number>()
  for (let dx = 0; dx < kernelWidth; dx++) {
    for (let t = 0; t < x; t++) needed.add(t + dx * dilation)
  }
  const read = new Map<number, number[]>()
  for (const j of [...needed].sort((a, b) => a - b)) {
    const at = Math.floor((j - reach) / (vector ? 4 : 1))
    read.set(at, [...(read.get(at) ?? []), j])
  }
  return read
}

const added = (n: number) => (n < 0 ? `- ${-n}u` : `+ ${n}u`)

/** Which of the vectors exist in the row; positions before it wrap around. */
function existing(tile: ForwardTile): string[] {
  const step = tile.vector ? 4 : 1
  return [...vectorsRead(tile).keys()].map(
    (at, i) => `let has${i} = ${at === 0 ? 'true' : `x0 ${added(step * at)} < params.width`};`,
  )
}

/** Reads every input that some tap of the tile needs, or the zero padding; reads beyond a binding are harmless. */
function loads(tile: ForwardTile): string[] {
  const reach = ((tile.kernelWidth - 1) / 2) * (tile.dilation ?? 1)
  return [...vectorsRead(tile)].flatMap(([at, inputs], i) => [
    `let q${i} = select(Element(0.0), Element(input[row ${added(at)}]), inside && has${i});`,
    ...inputs.map((j) => `let v${j} = q${i}${tile.vector ? `.${component[j - reach - 4 * at]!}` : ''};`),
  ])
}

/**
 * Indices of the weights of one input channel and row that a lane reads: lane r reads tap r / groups for group r %
 * groups.
 */
function broadcastRegisters({ channels, kernelWidth, subgroup }: ForwardTile): string[] {
  const groups = channelGroups(channels).length
  return Array.from({ length: broadcastCount(kernelWidth * groups, subgroup) }, (_, i) => {
    const role = `min(sublane % ${subgroup}u + ${i * subgroup}u, ${kernelWidth * groups - 1}u)`
    return `let from${i} = ${role} / ${groups}u * tap + ${role} % ${groups}u;`
  })
}

/** How many reads each lane of a subgroup needs until all weights are loaded. */
function broadcastCount(weights: number, subgroup: number): number {
  return subgroup === 0 ? 0 : Math.ceil(weights / subgroup)
}

/**
 * The multiply-adds of one input channel and row. `tapsAt(t)` groups the taps of output t: the taps of a group read the
 * same number, so one multiplication by the sum of their weights suffices. `read` is the expression of a weight.
 */
function multiplyAdds(
  tile: ForwardTile,
  tapsAt: (t: number) => readonly (readonly number[])[],
  read: (at: string) => string,
): string[] {
  const { kernelWidth, dilation = 1, subgroup } = tile
  const groups = channelGroups(tile.channels)
  const lines = Array.from(
    { length: broadcastCount(kernelWidth * groups.length, subgroup) },
    (_, i) => `let mine${i} = ${read(`at + from${i}`)};`,
  )
  const weightOf = (taps: readonly number[], g: number) => `w${taps.join('_')}_${g}`
  groups.forEach((size, g) => {
    const known = new Set<string>()
    for (let dx = 0; dx < kernelWidth; dx++) {
      const weight = weightOf([dx], g)
      const role = dx * groups.length + g
      const value =
        subgroup === 0
          ? `${read(`at + ${dx}u * tap + ${g}u`)}${swizzle[size]!}`
          : `subgroupBroadcast(mine${Math.floor(role / subgroup)}${swizzle[size]!}, ${role % subgroup}u)`
      lines.push(`let ${weight} = ${value};`)
      known.add(weight)
    }
    // All taps of one accumulator are adjacent, so it is loaded and stored once per row, not once per tap.
    for (let t = 0; t < tile.x; t++) {
      for (const taps of tapsAt(t)) {
        const weight = weightOf(taps, g)
        if (!known.has(weight))
          lines.push(`let ${weight} = ${taps.map((dx) => weightOf([dx], g)).join(' + ')};`)
        known.add(weight)
        const voxel = `v${t + taps[0]! * dilation}`
        const value = size === 1 ? voxel : `${vectorType[size]!}(${voxel})`
        lines.push(`a${g}_${t} = fma(${value}, ${weight}, a${g}_${t});`)
      }
    }
  })
  return lines
}

/**
 * The same for an upsampled volume: two input voxels are one coarse voxel. Tiles begin at even positions unless they
 * are one voxel wide.
 */
function coarseLoads({ x, kernelWidth, coarseVector }: ForwardTile): string[] {
  const half = (kernelWidth - 1) / 2
  const loads: string[] = []
  const known = new Set<number>()
  for (let j = 0; j < x + kernelWidth - 1; j++) {
    if (x === 1) {
      loads.push(`let v${j} = load_coarse(coarse_row, u32((i32(x0) + ${j - half}) >> 1u), inside);`)
      continue
    }
    const at = Math.floor((j - half) / 2)
    if (!known.has(at)) {
      const quad = Math.floor(at / 4)
      const name = at < 0 ? `c_${-at}` : `c${at}`
      if (coarseVector && at >= 0 && 4 * quad + 4 <= x / 2) {
        if (at % 4 === 0) loads.push(`let cq${quad} = load_coarse4(coarse_row, x0 / 2u + ${at}u, inside);`)
        loads.push(`let ${name} = cq${quad}.${component[at % 4]!};`)
      } else {
        const offset = at < 0 ? `- ${-at}u` : `+ ${at}u`
        loads.push(`let ${name} = load_coarse(coarse_row, x0 / 2u ${offset}, inside);`)
      }
      known.add(at)
    }
    loads.push(`let v${j} = ${at < 0 ? `c_${-at}` : `c${at}`};`)
  }
  return loads
}
