const component = ['x', 'y', 'z', 'w']

export interface BackwardWeightTile {
  /** Output channels of a block. */
  readonly channels: number
  /** Whether the channels divide into whole blocks. */
  readonly whole: boolean
  readonly kernelHeight: number
  readonly kernelWidth: number
}

/**
 * Unrolls the body of shaders/conv3d/backward_weight.wgsl.
 *
 * Registers: `a{c}_{dy}_{dx}` are the sums; `g{c}` four gradients of channel c; `b{dy}_{i}` the input row y+dy-kh/2 in
 * vec4s, the current one in the middle, a window that slides along the row so that each step loads one new vec4.
 */
export function unrollBackwardWeight(tile: BackwardWeightTile): Record<string, string> {
  const { channels, whole, kernelHeight, kernelWidth } = tile
  const half = (kernelWidth - 1) / 2
  const side = Math.ceil(half / 4)
  const window = 2 * side + 1
  const declare: string[] = []
  const start: string[] = []
  const multiply: string[] = []
  const store: string[] = []

  for (let c = 0; c < channels; c++) {
    for (let dy = 0; dy < kernelHeight; dy++) {
      for (let dx = 0; dx < kernelWidth; dx++) declare.push(`var a${c}_${dy}_${dx} = 0.0;`)
    }
    // A channel past the last repeats channel 0 of the block and is not stored.
    const offset = whole ? `${c}u` : `select(0u, ${c}u, block * TILE_CO + ${c}u < params.outputs)`
    declare.push(`let channel${c} = ${offset} * area;`)
  }
  for (let dy = 0; dy < kernelHeight; dy++) {
    start.push(`let inside${dy} = inside_z && y + ${dy}u - KH / 2u < params.height;`)
    start.push(`let row${dy} = input_row(input_plane, y + ${dy}u - KH / 2u);`)
    for (let i = 0; i < window; i++) {
      // One step behind: the first shift brings the voxels at x = 0 into the middle.
      const ahead = 4 * (i - side - 1)
      start.push(
        `var b${dy}_${i} = ${ahead < 0 ? 'vec4f(0.0)' : `load_input(row${dy}, ${ahead}u, inside${dy})`};`,
      )
    }
  }
  for (let c = 0; c < channels; c++) multiply.push(`let g${c} = load_grad(grad_row + channel${c}, x);`)
  for (let dy = 0; dy < kernelHeight; dy++) {
    for (let i = 0; i + 1 < window; i++) multiply.push(`b${dy}_${i} = b${dy}_${i + 1};`)
    multiply.push(`b${dy}_${window - 1} = load_input(row${dy}, x + ${4 * side}u, inside${dy});`)
  }
  for (let c = 0; c < channels; c++) {
    for (let dy = 0; dy < kernelHeight; dy++) {
      for (let dx = 0; dx < kernelWidth; dx++) {
        const sum = `a${c}_${dy}_${dx}`
        for (let t = 0; t < 4; t++) {
          const at = t + dx - half + 4 * side
          const value = `b${dy}_${Math.floor(at / 4)}.${component[at % 4]!}`
          multiply.push(`${sum} = fma(g${c}.${component[t]!}, ${value}, ${sum});`)
        }
      }
    }
  }
  for (let c = 0; c < channels; c++) {
    if (!whole) store.push(`if (block * TILE_CO + ${c}u < params.outputs) {`)
    for (let dy = 0; dy < kernelHeight; dy++) {
      const entry = `to + ((((block * TILE_CO + ${c}u) * params.weight_inputs + params.first_input + ci) * KD + dz) * KH + ${dy}u) * KW`
      for (let dx = 0; dx < kernelWidth; dx++) store.push(`partials[${entry} + ${dx}u] = a${c}_${dy}_${dx};`)
    }
    if (!whole) store.push('}')
  }
  return {
    declare: declare.join('\n'),
    start: start.join('\n'),
    multiply: multiply.join('\n'),
    store: store.join('\n'),
  }
}
