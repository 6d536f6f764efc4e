import { unrollProduct } from '../../../src/ops/shared/unroll-product.js'
import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  broadcast: {
    parts: ({ VECTOR: vector }) =>
      [
        { rows: 1, columns: 4, subgroup: 4 },
        { rows: 16, columns: 8, subgroup: 8 },
        { rows: 5, columns: 12, subgroup: 4 },
      ].map((tile) => ({
        consts: { LANES: 8, ROWS: tile.rows, COLUMNS: tile.columns },
        generated: unrollProduct({ ...tile, vector: vector! }),
      })),
  },
}
