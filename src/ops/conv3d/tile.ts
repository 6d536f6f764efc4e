/** Outputs that one invocation of a convolution kernel computes: `x` along a row for `channels` output channels. */
export interface Tile {
  readonly x: number
  readonly channels: number
}

const vector = ['', 'f32', 'vec2f', 'vec3f', 'vec4f']
const swizzle = ['', '.x', '.xy', '.xyz', '']
const component = ['x', 'y', 'z', 'w']

/** The channels of a tile as groups of at most four: the registers' vector widths. */
export function channelGroups(channels: number): number[] {
  return Array.from({ length: Math.ceil(channels / 4) }, (_, g) => Math.min(4, channels - 4 * g))
}

/**
 * Unrolls the body of shaders/conv3d/forward.wgsl for one tile.
 *
 * Registers: `a{g}_{t}` accumulates channel group g at x0+t; `v{j}` is the input at x0+j-kw/2. WGSL arrays would be
 * simpler, but an indexed private array lives in memory on most drivers, and this is the innermost loop.
 */
export function unrollForward(tile: Tile, outputs: number, kernelWidth: number): Record<string, string> {
  const groups = channelGroups(tile.channels)
  const half = (kernelWidth - 1) / 2
  const reach = tile.x + kernelWidth - 1
  const declare: string[] = []
  const multiply: string[] = []
  const store: string[] = []

  groups.forEach((size, g) => {
    declare.push(`let bias${g} = packed[bias_at + ${g}u]${swizzle[size]!};`)
    for (let t = 0; t < tile.x; t++) declare.push(`var a${g}_${t} = bias${g};`)
  })
  // Positions outside the row are read at its first voxel and replaced by the zero padding.
  for (let j = 0; j < reach; j++) {
    declare.push(`let in${j} = x0 + ${j}u - ${half}u < params.width;`)
    declare.push(`let at${j} = select(0u, x0 + ${j}u - ${half}u, in${j});`)
  }

  for (let j = 0; j < reach; j++)
    multiply.push(`let v${j} = select(0.0, input[row + at${j}], inside && in${j});`)
  for (let dx = 0; dx < kernelWidth; dx++) {
    groups.forEach((size, g) => {
      multiply.push(`let w${dx}_${g} = packed[at + ${dx}u * CI * WEIGHT_GROUPS + ${g}u]${swizzle[size]!};`)
      for (let t = 0; t < tile.x; t++) {
        const value = size === 1 ? `v${t + dx}` : `${vector[size]!}(v${t + dx})`
        multiply.push(`a${g}_${t} = fma(${value}, w${dx}_${g}, a${g}_${t});`)
      }
    })
  }

  // The last block may hold fewer channels than the tile, the last tile fewer voxels than its width.
  groups.forEach((size, g) => {
    for (let i = 0; i < size; i++) {
      const channel = 4 * g + i
      const guarded = outputs % tile.channels !== 0
      if (guarded) store.push(`if (block * TILE_CO + ${channel}u < CO) {`)
      for (let t = 0; t < tile.x; t++) {
        const value = size === 1 ? `a${g}_${t}` : `a${g}_${t}.${component[i]!}`
        const write = `output[to + ${t}u] = activate(${value});`
        store.push(t === 0 ? write : `if (x0 + ${t}u < params.width) { ${write} }`)
      }
      store.push('to += area;')
      if (guarded) store.push('}')
    }
  })
  return { declare: declare.join('\n'), multiply: multiply.join('\n'), store: store.join('\n') }
}

/**
 * Unrolls the body of shaders/conv3d/backward_weight.wgsl for blocks of `channels` output channels.
 *
 * Registers: `a{c}_{dx}` sums grad_output of channel c times the input at x+dx-kw/2; `v{dx}` is that input, a window
 * that slides along the row, so that each step loads one new voxel.
 */
export function unrollBackwardWeight(
  channels: number,
  outputs: number,
  kernelWidth: number,
): Record<string, string> {
  const half = (kernelWidth - 1) / 2
  const declare: string[] = []
  const start: string[] = []
  const multiply: string[] = []
  const store: string[] = []
  const guarded = outputs % channels !== 0

  for (let c = 0; c < channels; c++) {
    for (let dx = 0; dx < kernelWidth; dx++) declare.push(`var a${c}_${dx} = 0.0;`)
    // A channel past the last repeats channel 0 of the block and is not stored.
    const offset = guarded ? `select(0u, ${c}u, block * TILE_CO + ${c}u < CO)` : `${c}u`
    declare.push(`let channel${c} = ${offset} * area;`)
  }
  for (let dx = 0; dx < kernelWidth; dx++) {
    const ahead = dx - half - 1
    const load =
      ahead < 0
        ? '0.0'
        : `select(0.0, input[row + min(${ahead}u, params.width - 1u)], inside && ${ahead}u < params.width)`
    start.push(`var v${dx} = ${load};`)
  }
  for (let dx = 0; dx + 1 < kernelWidth; dx++) multiply.push(`v${dx} = v${dx + 1};`)
  multiply.push(
    `v${kernelWidth - 1} = select(0.0, input[row + min(x + ${half}u, params.width - 1u)], inside && x + ${half}u < params.width);`,
  )
  for (let c = 0; c < channels; c++) {
    multiply.push(`let g${c} = grad_output[grad_row + channel${c} + x];`)
    for (let dx = 0; dx < kernelWidth; dx++) multiply.push(`a${c}_${dx} = fma(g${c}, v${dx}, a${c}_${dx});`)
  }
  for (let c = 0; c < channels; c++) {
    if (guarded) store.push(`if (block * TILE_CO + ${c}u < CO) {`)
    const entry = `to + (((block * TILE_CO + ${c}u) * CI + ci) * KD + dz) * KH * KW + dy * KW`
    for (let dx = 0; dx < kernelWidth; dx++) store.push(`partials[${entry} + ${dx}u] = a${c}_${dx};`)
    if (guarded) store.push('}')
  }
  return {
    declare: declare.join('\n'),
    start: start.join('\n'),
    multiply: multiply.join('\n'),
    store: store.join('\n'),
  }
}

/**
 * The tile of a forward convolution. Wide rows and about seven channels a tile were fastest of those tried on
 * lavapipe (bench/ops/conv3d.ts); rows are not made wider than the volume, nor the unrolled body large.
 */
export function chooseTile(outputs: number, width: number, kernelWidth: number): Tile {
  const blocks = Math.ceil(outputs / 8)
  const widest = kernelWidth <= 3 ? 16 : kernelWidth <= 7 ? 8 : 4
  let x = 1
  while (x < widest && x < width) x *= 2
  return { x, channels: Math.ceil(outputs / blocks) }
}
