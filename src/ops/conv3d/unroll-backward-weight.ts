const component = ['x', 'y', 'z', 'w']

export interface BackwardWeightTile {
  /** Told channels of a block. */
  readonly channels: number
  /** Whether the channels divide into whole blocks. */
  readonly whole: boolean
  readonly kernelWidth: number
  /** Lanes of a subgroup that read for all of it; 0 where there are no subgroups. */
  readonly subgroup: number
}

/**
 * Unrolls the body of shaders/conv3d/backward_weight.wgsl.
 *
 * Registers: `a{c}_{dx}` are the sums; `g{c}` four told voxels of channel c; `mine{c}` those that a lane reads for its
 * subgroup, of a channel from c on; `b{i}` the lane's own row in vec4s, the current one in the middle, a window that
 * slides along the row so that each step loads one new vec4.
 */
export function unrollBackwardWeight(tile: BackwardWeightTile): Record<string, string> {
  const { channels, whole, kernelWidth, subgroup } = tile
  const half = (kernelWidth - 1) / 2
  const side = Math.ceil(half / 4)
  const window = 2 * side + 1
  const declare: string[] = []
  const start: string[] = []
  const multiply: string[] = []
  const store: string[] = []
  const storeBias: string[] = []

  // A channel past the last repeats the last one and is not stored.
  const offset = (c: string) =>
    `${whole ? c : `min(${c}, params.told_channels - 1u - block * TILE_CO)`} * area`
  for (let c = 0; c < channels; c++) {
    for (let dx = 0; dx < kernelWidth; dx++) declare.push(`var a${c}_${dx} = 0.0;`)
    if (subgroup === 0) declare.push(`let from${c} = ${offset(`${c}u`)};`)
  }
  for (let i = 0; i < window; i++) {
    // One step behind: the first shift brings the voxels at x = 0 into the middle.
    const ahead = 4 * (i - side - 1)
    start.push(`var b${i} = ${ahead < 0 ? 'vec4f(0.0)' : `load_own(row, ${ahead}u, inside, beside)`};`)
  }
  for (let i = 0; i + 1 < window; i++) multiply.push(`b${i} = b${i + 1};`)
  multiply.push(`b${window - 1} = load_own(row, x + ${4 * side}u, inside, beside);`)
  for (let c = 0; c < channels; c++) {
    const teller = subgroup > 0 ? c % subgroup : 0
    if (subgroup === 0) multiply.push(`let g${c} = load_told(told_row + from${c}, x);`)
    else {
      if (teller === 0) {
        const last = Math.min(subgroup, channels - c) - 1
        declare.push(`let from${c} = ${offset(`(${c}u + min(sublane % ${subgroup}u, ${last}u))`)};`)
        multiply.push(`let mine${c} = load_told(told_row + from${c}, x);`)
      }
      multiply.push(`let g${c} = subgroupBroadcast(mine${c - teller}, ${teller}u);`)
    }
    for (let dx = 0; dx < kernelWidth; dx++) {
      const sum = `a${c}_${dx}`
      for (let t = 0; t < 4; t++) {
        const at = t + dx - half + 4 * side
        const value = `b${Math.floor(at / 4)}.${component[at % 4]!}`
        multiply.push(`${sum} = fma(g${c}.${component[t]!}, ${value}, ${sum});`)
      }
    }
  }
  for (let c = 0; c < channels; c++) {
    const guarded = (code: string) =>
      whole ? code : `if (block * TILE_CO + ${c}u < params.told_channels) { ${code} }`
    for (let dx = 0; dx < kernelWidth; dx++) {
      store.push(
        guarded(`partials[to + entry(channel, block * TILE_CO + ${c}u, dz, dy, ${dx}u)] = a${c}_${dx};`),
      )
    }
    storeBias.push(guarded(`partials[bias + ${c}u] = a${c}_${half};`))
  }
  return {
    declare: declare.join('\n'),
    start: start.join('\n'),
    multiply: multiply.join('\n'),
    store: store.join('\n'),
    store_bias: storeBias.join('\n'),
  }
}
