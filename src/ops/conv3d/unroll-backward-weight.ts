import { gatherResults } from '../shared/store-loop.js'
import { added, component } from '../shared/wgsl.js'

interface BackwardWeightTile {
  /** Broadcast channels of a block. */
  readonly channels: number
  /** Whether the channels divide into whole blocks. */
  readonly whole: boolean
  /** Taps dy that an invocation holds sums for. */
  readonly rows: number
  readonly kernelWidth: number
  /** Lanes of a subgroup that share loads by broadcasting; 0 without subgroups. */
  readonly subgroup: number
  /** Whether the shifted rows are half as fine as the broadcast ones. */
  readonly upsampled: boolean
  /** Whether rows are whole vec4s and are loaded as such. */
  readonly vector: boolean
}

/** Lines of a body, by the name of their place. */
type Lines = Record<'declare' | 'start' | 'slide' | 'multiply' | 'store' | 'store_bias', string[]>

/** The shifted voxel for broadcast voxel t at tap dx, counted from the one under the first column. */
type VoxelAt = (t: number, dx: number) => number

function voxelsOf({ kernelWidth, upsampled }: BackwardWeightTile): VoxelAt {
  const half = (kernelWidth - 1) / 2
  return (t, dx) => (upsampled ? Math.floor((t + dx - half) / 2) : t + dx - half)
}

function joined(lines: Partial<Lines>): Record<string, string> {
  return Object.fromEntries(Object.entries(lines).map(([place, text]) => [place, text.join('\n')]))
}

/**
 * Unrolls the body of shaders/conv3d/backward_weight.wgsl.
 *
 * Registers: `a{c}_{dy}_{dx}` are the sums, `bias{i}` those of the bias; `g{c}` four broadcast voxels of channel c; `mine{c}`
 * those that a lane reads for its subgroup, of a channel from c on; `b{dy}_{i}` the shifted voxels for them, a
 * window that slides down the plane, so each step loads one new row.
 */
export function unrollBackwardWeight(tile: BackwardWeightTile): Record<string, string> {
  const { rows, kernelWidth, upsampled, vector } = tile
  const voxelAt = voxelsOf(tile)
  const first = voxelAt(0, 0)
  const last = voxelAt(3, kernelWidth - 1)
  const shifted = (dy: number, voxel: number) => `b${dy}_${voxel - first}`
  const declare: string[] = []
  const slide: string[] = []
  const load: string[] = []
  for (let dy = 0; dy < rows; dy++) {
    for (let voxel = first; voxel <= last; voxel++) {
      declare.push(`var ${shifted(dy, voxel)} = 0.0;`)
      if (dy + 1 < rows) slide.push(`${shifted(dy, voxel)} = ${shifted(dy + 1, voxel)};`)
    }
  }
  const scale = upsampled ? '/ 2u' : ''
  const beneath = upsampled ? 2 : 4
  slide.push(
    'let inside = inside_z && shifted_y < params.height;',
    `let shifted_row = shifted_plane + shifted_y ${scale} * shifted_width();`,
  )
  if (vector) load.push(`let under = shifted_beneath(shifted_row, x ${scale}, inside);`)
  for (let voxel = first; voxel <= last; voxel++) {
    const value =
      vector && voxel >= 0 && voxel < beneath
        ? `under.${component[voxel]!}`
        : `shifted_at(shifted_row, x ${scale} ${added(voxel)}, inside)`
    load.push(`${shifted(rows - 1, voxel)} = ${value};`)
  }
  // Every other row is a coarse row that is already loaded. If only one row is held, the first may be such a row.
  if (upsampled && rows > 1) slide.push('if (shifted_y % 2u == 0u || !inside) {', ...load, '}')
  else slide.push(...load)

  const sums = unrollSums(tile, shifted, true)
  return joined({ ...sums, declare: [...declare, ...sums.declare], slide, store: loopOfStores(tile) })
}

/**
 * Unrolls the body of shaders/conv3d/backward_weight_rows.wgsl.
 *
 * Registers: `a{c}_0_{dx}` are the sums; `s{i}` the voxels of `shifted` around the four columns, in vectors as wide as the
 * columns need, those beneath them in the middle: a window that slides along the row, so that each step loads one vector.
 */
export function unrollBackwardWeightRows(
  options: Omit<BackwardWeightTile, 'rows' | 'subgroup'>,
): Record<string, string> {
  const tile = { ...options, rows: 1, subgroup: 0 }
  const voxelAt = voxelsOf(tile)
  const wide = tile.upsampled ? 2 : 4
  const side = Math.ceil(Math.max(-voxelAt(0, 0), voxelAt(3, tile.kernelWidth - 1) + 1 - wide) / wide)
  const last = 2 * side
  const start: string[] = []
  const slide: string[] = []
  for (let i = 0; i <= last; i++) {
    // One step back: the first shift moves the voxels at x = 0 into the middle.
    const ahead = wide * (i - side - 1)
    const value = ahead < 0 ? 'Voxels(outside)' : `load_shifted(shifted_row, ${ahead}u, inside, outside)`
    start.push(`var s${i} = ${value};`)
    if (i < last) slide.push(`s${i} = s${i + 1};`)
  }
  const x = tile.upsampled ? 'x / 2u' : 'x'
  slide.push(`s${last} = load_shifted(shifted_row, ${x} + ${wide * side}u, inside, outside);`)
  const shifted = (_: number, voxel: number) => {
    const at = voxel + wide * side
    return `s${Math.floor(at / wide)}.${component[at % wide]!}`
  }
  return joined({ ...unrollSums(tile, shifted, false), start, slide, store: stores(tile) })
}

/**
 * The sums of both kernels.
 *
 * @param shifted the register of a shifted voxel
 * @param withBias whether every invocation adds up the bias, too; otherwise one has nothing but the bias in its sums
 */
function unrollSums(
  tile: BackwardWeightTile,
  shifted: (dy: number, voxel: number) => string,
  withBias: boolean,
): Omit<Lines, 'start' | 'slide' | 'store'> {
  const { channels, whole, rows, kernelWidth, subgroup } = tile
  const voxelAt = voxelsOf(tile)
  const taps = Array.from({ length: kernelWidth }, (_, dx) => dx)
  const declare: string[] = []
  const multiply: string[] = []
  const storeBias: string[] = []
  // A channel past the end repeats the last one and is not stored.
  const offset = (c: string) =>
    `${whole ? c : `min(${c}, params.broadcast_channels - 1u - block * TILE_CO)`} * area`
  for (let c = 0; c < channels; c++) {
    const source = subgroup > 0 ? c % subgroup : 0
    if (source === 0) {
      const read = subgroup > 0 ? Math.min(subgroup, channels - c) : 1
      const channel = subgroup > 0 ? `(${c}u + min(sublane % ${subgroup}u, ${read - 1}u))` : `${c}u`
      declare.push(`let from${c} = ${offset(channel)};`, `var bias${c} = 0.0;`)
      multiply.push(`let mine${c} = load_broadcast(broadcast_row + from${c}, x);`)
      if (withBias) multiply.push(`bias${c} += (mine${c}.x + mine${c}.y) + (mine${c}.z + mine${c}.w);`)
      const exists = `${channel} + block * TILE_CO < params.broadcast_channels`
      const reader = subgroup > 0 ? `sublane % ${subgroup}u < ${read}u` : withBias ? 'lane == 0u' : 'true'
      const sum = withBias ? `bias${c}` : `a${c}_0_0`
      storeBias.push(`if (${reader} && ${exists}) { partials[bias + ${channel}] = ${sum}; }`)
    }
    multiply.push(
      subgroup > 0
        ? `let g${c} = subgroupBroadcast(mine${c - source}, ${source}u);`
        : `let g${c} = mine${c};`,
    )
    const known = new Set<string>()
    for (let dy = 0; dy < rows; dy++) {
      for (const dx of taps) {
        const sum = `a${c}_${dy}_${dx}`
        declare.push(`var ${sum} = 0.0;`)
        // Broadcast voxels that use the same shifted voxel are added up first.
        for (let voxel = voxelAt(0, dx); voxel <= voxelAt(3, dx); voxel++) {
          const met = [0, 1, 2, 3].filter((t) => voxelAt(t, dx) === voxel)
          const broadcast = met.map((t) => `g${c}.${component[t]!}`).join(' + ')
          const name = met.length === 1 ? broadcast : `g${c}_${met.join('')}`
          if (met.length > 1 && !known.has(name)) multiply.push(`let ${name} = ${broadcast};`)
          known.add(name)
          multiply.push(`${sum} = fma(${name}, ${shifted(dy, voxel)}, ${sum});`)
        }
      }
    }
  }
  return { declare, multiply, store_bias: storeBias }
}

/** Stores the sums. The last block may hold fewer channels than the tile. */
function stores({ channels, whole, rows, kernelWidth }: BackwardWeightTile): string[] {
  const lines: string[] = []
  for (let c = 0; c < channels; c++) {
    if (!whole) lines.push(`if (block * TILE_CO + ${c}u < params.broadcast_channels) {`)
    for (let dy = 0; dy < rows; dy++) {
      for (let dx = 0; dx < kernelWidth; dx++) {
        const at = `entry(channel, block * TILE_CO + ${c}u, dz, first_dy + ${dy}u, ${dx}u)`
        lines.push(`partials[to + ${at}] = a${c}_${dy}_${dx};`)
      }
    }
    if (!whole) lines.push('}')
  }
  return lines
}

/** The same in a loop. */
function loopOfStores({ channels, rows, kernelWidth }: BackwardWeightTile): string[] {
  const sums = Array.from({ length: channels * rows * kernelWidth }, (_, i) => {
    const row = Math.floor(i / kernelWidth)
    return `a${Math.floor(row / rows)}_${row % rows}_${i % kernelWidth}`
  })
  return [
    ...gatherResults('f32', sums),
    `let sums = min(TILE_CO, params.broadcast_channels - block * TILE_CO) * ${rows * kernelWidth}u;`,
    'for (var i = 0u; i < sums; i++) {',
    `let row = i / ${kernelWidth}u;`,
    `let co = block * TILE_CO + row / ${rows}u;`,
    `partials[to + entry(channel, co, dz, first_dy + row % ${rows}u, i % ${kernelWidth}u)] = results[i];`,
    '}',
  ]
}
