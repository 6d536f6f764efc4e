const component = ['x', 'y', 'z', 'w']

export interface ForwardTile {
  /** Outputs along a row that one invocation computes. */
  readonly x: number
  readonly kernelWidth: number
  /** Whether rows are whole vec4s and are loaded as such; the tile's width is a multiple of 4 then. */
  readonly vector: boolean
}

/**
 * Unrolls the body of shaders/label_conv3d/forward.wgsl for one tile.
 *
 * Registers: `a{t}` accumulates the output at x0+t; `r{j}` is where the weights of the label at x0+j-kw/2 begin in the
 * table, `w{j}_{i}` those weights in vec4s: tap dx adds to the output at t = j-dx.
 */
export function unrollForward({ x, kernelWidth, vector }: ForwardTile): Record<string, string> {
  const half = (kernelWidth - 1) / 2
  const vectors = Math.ceil(kernelWidth / 4)
  const declare: string[] = []
  const add: string[] = []
  const store: string[] = []

  for (let t = 0; t < x; t++) declare.push(`var a${t} = bias;`)

  for (let j = 0; j < x + kernelWidth - 1; j++) {
    const inTile = j - half
    let label = `load(row, x0 + ${j}u - ${half}u)`
    if (vector && inTile >= 0 && inTile < x) {
      const quad = Math.floor(inTile / 4)
      if (inTile % 4 === 0) add.push(`let q${quad} = load4(row, x0 + ${inTile}u);`)
      label = `q${quad}.${component[inTile % 4]!}`
    }
    add.push(`let r${j} = at + min(${label}, params.classes) * ROW_VECTORS;`)
    for (let i = 0; i < vectors; i++) add.push(`let w${j}_${i} = packed[r${j} + ${i}u];`)
    for (let dx = 0; dx < kernelWidth; dx++) {
      const t = j - dx
      if (t < 0 || t >= x) continue
      add.push(`a${t} += w${j}_${Math.floor(dx / 4)}.${component[dx % 4]!};`)
    }
  }

  // The last tile of a row may hold fewer voxels than its width.
  for (let t = 0; t < x; t++) {
    const write = `output[to + ${t}u] = StoredOutput(activate(a${t}, params.activation));`
    store.push(t === 0 ? write : `if (x0 + ${t}u < params.width) { ${write} }`)
  }
  return { declare: declare.join('\n'), add: add.join('\n'), store: store.join('\n') }
}
