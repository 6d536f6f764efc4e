import { input, parameter } from '../../../src/graph/value.js'
import { convTranspose3d } from '../../../src/ops/index.js'
import { numbers, type Case, type Extents } from '../case.js'

/** Stride 2, doubling the extents: each input voxel meets each tap once, but for those at the edge. */
function transposed(inputs: number, outputs: number, k: 2 | 3, extents: Extents): Case {
  const read = extents.reduce((a, b) => a * b)
  const flops = 2 * k ** 3 * inputs * outputs * read
  const bytes = 4 * read * (inputs + 8 * outputs)
  const name = 'conv_transpose3d'
  return {
    op: `${name} ${inputs}->${outputs} k ${k} stride 2`,
    shape: extents.join('x'),
    build: () => {
      const x = input('x', [1, inputs, ...extents])
      const weight = parameter('weight', [inputs, outputs, k, k, k], numbers(k ** 3 * inputs * outputs, 0.01))
      const bias = parameter('bias', [outputs], numbers(outputs, 0.01))
      const options = { stride: 2, padding: k - 2, outputPadding: k - 2 }
      return { output: convTranspose3d(x, weight, bias, options), wanted: [x, weight, bias] }
    },
    work: {
      [name]: { flops, bytes },
      [`${name} backward input`]: { flops, bytes },
      [`${name} backward weight`]: { flops, bytes },
    },
  }
}

export const cases: readonly Case[] = [
  transposed(16, 8, 2, [40, 48, 56]),
  transposed(16, 8, 3, [40, 48, 56]),
  transposed(64, 32, 2, [10, 12, 14]),
  transposed(16, 8, 2, [31, 47, 57]),
  transposed(16, 8, 3, [31, 47, 57]),
]
