import { input, parameter } from '../../../src/graph/value.js'
import { conv3d } from '../../../src/ops/index.js'
import { numbers, type Case, type Extents } from '../case.js'

/** Three taps along each axis and one zero at either end; the extents are those of the input. */
function conv(inputs: number, outputs: number, extents: Extents, stride = 1): Case {
  const read = extents.reduce((a, b) => a * b)
  const written = extents.reduce((voxels, n) => voxels * Math.ceil(n / stride), 1)
  const flops = 2 * 27 * inputs * outputs * written
  const bytes = 4 * (read * inputs + written * outputs)
  return {
    op: `conv3d ${inputs}->${outputs}${stride === 1 ? '' : ` stride ${stride}`}`,
    shape: extents.join('x'),
    build: () => {
      const x = input('x', [1, inputs, ...extents])
      const weight = parameter('weight', [outputs, inputs, 3, 3, 3], numbers(27 * inputs * outputs, 0.01))
      const bias = parameter('bias', [outputs], numbers(outputs, 0.01))
      return { output: conv3d(x, weight, bias, { stride, padding: 1 }), wanted: [x, weight, bias] }
    },
    work: {
      conv3d: { flops, bytes },
      'conv3d backward input': { flops, bytes },
      'conv3d backward weight': { flops, bytes },
    },
  }
}

export const cases: readonly Case[] = [
  conv(14, 14, [32, 96, 112]),
  conv(8, 14, [32, 96, 112]),
  conv(1, 4, [32, 96, 112]),
  conv(14, 1, [32, 96, 112]),
  conv(16, 8, [32, 96, 112]),
  conv(16, 4, [40, 48, 56]),
  conv(64, 16, [10, 12, 14]),
  conv(14, 14, [31, 97, 113]),
  conv(16, 32, [32, 96, 112], 2),
  conv(32, 64, [20, 24, 28], 2),
  conv(16, 32, [31, 97, 113], 2),
]
