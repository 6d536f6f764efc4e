import type { PoolOptions } from '../../src/ops/index.js'

/** Windows that overlap, leave gaps, stand out, or are a voxel; and the volumes that they are taken of. */
export const poolings: readonly (readonly [PoolOptions, readonly number[]])[] = [
  [{ kernelSize: 1 }, [1, 1, 1, 1, 1]],
  [{ kernelSize: 2, padding: 1 }, [2, 3, 1, 1, 1]],
  [{ kernelSize: 2 }, [2, 3, 5, 7, 11]],
  [{ kernelSize: 3, stride: 2, padding: 1 }, [2, 3, 7, 11, 13]],
  [{ kernelSize: 3, stride: 1, padding: 1 }, [2, 2, 3, 5, 17]],
  [{ kernelSize: 2, stride: 3 }, [2, 5, 8, 7, 13]],
  [{ kernelSize: [1, 2, 3], stride: [2, 1, 3], padding: [0, 1, 1] }, [3, 2, 5, 3, 19]],
  [{ kernelSize: [5, 4, 1], stride: [3, 1, 2] }, [2, 14, 7, 5, 3]],
]
