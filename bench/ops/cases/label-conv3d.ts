import { input, parameter } from '../../../src/graph/value.js'
import { argmax, labelConv3d } from '../../../src/ops/index.js'
import { numbers, type Case, type Extents } from '../case.js'

/** Same result as `conv3d` of a one-hot volume, but stored as labels: fewer operations and bytes. */
function labelConv(classes: number, outputs: number, extents: Extents): Case {
  const voxels = extents.reduce((a, b) => a * b)
  return {
    op: `label_conv3d ${classes}->${outputs}`,
    shape: extents.join('x'),
    build: () => {
      const labels = argmax(input('x', [1, classes, ...extents]))
      const weight = parameter('weight', [outputs, classes, 3, 3, 3], numbers(27 * classes * outputs, 0.01))
      const bias = parameter('bias', [outputs], numbers(outputs, 0.01))
      return { output: labelConv3d(labels, weight, bias), wanted: [labels, weight, bias] }
    },
    work: {
      label_conv3d: { flops: 27 * outputs * voxels, bytes: 4 * voxels * (1 + outputs) },
      'conv3d backward input': {
        flops: 2 * 27 * classes * outputs * voxels,
        bytes: 4 * voxels * (classes + outputs),
      },
      'label_conv3d backward weight': { flops: 27 * outputs * voxels, bytes: 4 * voxels * (1 + outputs) },
    },
  }
}

export const cases: readonly Case[] = [labelConv(14, 1, [32, 96, 112])]
