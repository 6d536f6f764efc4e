import { input } from '../../../src/graph/value.js'
import { matmul } from '../../../src/ops/index.js'
import type { Case } from '../case.js'

/** One product of square matrices, or a batch of them: the heads of an attention block, say. */
function square(batch: number, extent: number): Case {
  const shape = [batch, extent, extent]
  const work = { flops: 2 * batch * extent ** 3, bytes: 3 * 4 * batch * extent ** 2 }
  return {
    op: 'matmul',
    shape: shape.join('x'),
    build: () => {
      const [a, b] = [input('a', shape), input('b', shape)]
      return { output: matmul(a, b), wanted: [a, b] }
    },
    work: { matmul: work, 'matmul backward a': work, 'matmul backward b': work },
  }
}

export const cases: readonly Case[] = [square(1, 1024), square(64, 128)]
