import { gatherResults } from './store-loop.js'

/** What one subgroup of shaders/matmul/broadcast.wgsl computes. */
export interface ProductTile {
  readonly rows: number
  /** Columns of each lane, a multiple of 4. */
  readonly columns: number
  /** Whether four columns of b are read as one vec4. */
  readonly vector: boolean
  /** Lanes that share the numbers of a by broadcasting. */
  readonly subgroup: number
}

/**
 * Unrolls the body of shaders/matmul/broadcast.wgsl for one tile.
 *
 * Registers: `t{r}_{q}` is the sum of row r for the q-th vector of columns, `s{r}_{q}` its current partial sum; `v{q}` a
 * vector of b's columns, `m{i}` a number of a that a lane reads for its subgroup, `from{i}` and `of{c}` the offsets of the
 * row and the columns.
 */
export function unrollProduct({ rows, columns, vector, subgroup }: ProductTile): Record<string, string> {
  const range = <T>(count: number, item: (i: number) => T) => Array.from({ length: count }, (_, i) => item(i))
  const [vectors, shares] = [columns / 4, Math.ceil(rows / subgroup)]
  const sums = (line: (r: number, q: number) => string) =>
    range(rows, (r) => range(vectors, (q) => line(r, q))).flat()
  const read = (q: number) =>
    vector
      ? `b[(b_at + of${4 * q}) / 4u]`
      : `vec4f(${range(4, (i) => `b[b_at + of${4 * q + i}]`).join(', ')})`
  const results = range(rows, (r) => range(columns, (c) => `t${r}_${Math.floor(c / 4)}[${c % 4}]`)).flat()
  const lines = {
    declare: [
      ...range(shares, (i) => {
        const row = `min(sublane % ${subgroup}u + ${i * subgroup}u, ${rows - 1}u)`
        return `let from${i} = a_offset(first_row + ${row});`
      }),
      ...range(columns, (c) => `let of${c} = b_offset(first_column + ${c}u);`),
      ...sums((r, q) => `var t${r}_${q} = vec4f(0.0);`),
    ],
    clear: sums((r, q) => `var s${r}_${q} = vec4f(0.0);`),
    multiply: [
      ...range(shares, (i) => `let m${i} = a[a_at + from${i}];`),
      ...range(vectors, (q) => `let v${q} = ${read(q)};`),
      ...range(rows, (r) => [
        `let w${r} = vec4f(subgroupBroadcast(m${Math.floor(r / subgroup)}, ${r % subgroup}u));`,
        ...range(vectors, (q) => `s${r}_${q} = fma(w${r}, v${q}, s${r}_${q});`),
      ]).flat(),
    ],
    add: sums((r, q) => `t${r}_${q} += s${r}_${q};`),
    results: gatherResults('f32', results),
  }
  return Object.fromEntries(Object.entries(lines).map(([name, body]) => [name, body.join('\n')]))
}
