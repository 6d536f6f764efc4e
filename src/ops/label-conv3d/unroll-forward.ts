import { gatherResults } from '../shared/store-loop.js'
import { component } from '../shared/wgsl.js'

export interface ForwardTile {
  /** Outputs along a row that one invocation computes. */
  readonly x: number
  readonly kernelWidth: number
  /** Whether rows are whole vec4s and are loaded and stored as such; the tile's width is a multiple of 4 then. */
  readonly vector: boolean
  /** Whether a loop stores the results (see `gatherResults`). */
  readonly storeLoop: boolean
}

/**
 * Unrolls the body of shaders/label_conv3d/forward.wgsl for one tile.
 *
 * Registers: `a{t}` accumulates the output at x0+t; `r{j}` is where the weights of the label at x0+j-kw/2 begin in the
 * table, `w{j}_{i}` those weights in vec4s: tap dx adds to the output at t = j-dx.
 */
export function unrollForward(tile: ForwardTile): Record<string, string> {
  const { x, kernelWidth, vector } = tile
  const half = (kernelWidth - 1) / 2
  const vectors = Math.ceil(kernelWidth / 4)
  const declare: string[] = []
  const add: string[] = []

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

  return {
    declare: declare.join('\n'),
    add: add.join('\n'),
    store: (tile.storeLoop ? loopOfStores(tile) : stores(tile)).join('\n'),
  }
}

/** The results as they are stored: one by one or in vec4s. */
function results({ x, vector }: ForwardTile): string[] {
  if (!vector) return Array.from({ length: x }, (_, t) => `a${t}`)
  return Array.from(
    { length: x / 4 },
    (_, i) => `vec4f(a${4 * i}, a${4 * i + 1}, a${4 * i + 2}, a${4 * i + 3})`,
  )
}

/** Stores the results. The last tile of a row may hold fewer voxels than its width. */
function stores(tile: ForwardTile): string[] {
  return results(tile).map((result, i) => {
    const t = tile.vector ? 4 * i : i
    const write = `store(to + ${t}u, ${result});`
    return t === 0 ? write : `if (x0 + ${t}u < params.width) { ${write} }`
  })
}

/** The same in a loop. */
function loopOfStores(tile: ForwardTile): string[] {
  return [
    ...gatherResults('Element', results(tile)),
    'for (var x = x0; x < min(x0 + TILE_X, params.width); x += WIDTH) {',
    'store(to + x - x0, results[(x - x0) / WIDTH]);',
    '}',
  ]
}
