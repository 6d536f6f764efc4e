/**
 * The grid of an affine map, as torch.nn.functional.affine_grid: row i of the map times (x, y, z, 1), where x, y and z are the
 * coordinates of a voxel along W, H and D: (2 v + 1) / n - 1 of voxel v of n, or 2 v / (n - 1) - 1 with aligned corners.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { at, volumeShape, zeros, type NdArray } from './nd-array.js'

type Triple = readonly [number, number, number]

/** theta [N, 3, 4] -> [N, 3, ...extents]. */
export function forward(theta: NdArray, extents: Triple, alignCorners = false): NdArray {
  const output = zeros([theta.shape[0]!, 3, ...extents])
  forEachTerm(output, alignCorners, (to, row, coordinates) => {
    coordinates.forEach((x, j) => (output.data[to]! += theta.data[row + j]! * x))
  })
  return output
}

export function backward(gradOutput: NdArray, alignCorners = false): { gradTheta: NdArray } {
  const gradTheta = zeros([gradOutput.shape[0]!, 3, 4])
  forEachTerm(gradOutput, alignCorners, (to, row, coordinates) => {
    coordinates.forEach((x, j) => (gradTheta.data[row + j]! += gradOutput.data[to]! * x))
  })
  return { gradTheta }
}

/** Visits every number of the grid with the offset of its row of the map and (x, y, z, 1). */
function forEachTerm(
  grid: NdArray,
  alignCorners: boolean,
  visit: (to: number, row: number, coordinates: readonly number[]) => void,
): void {
  const [N, , D, H, W] = volumeShape(grid)
  const coordinate = (v: number, n: number) =>
    alignCorners ? (n === 1 ? 0 : (2 * v) / (n - 1) - 1) : (2 * v + 1) / n - 1
  for (let n = 0; n < N; n++)
    for (let i = 0; i < 3; i++)
      for (let d = 0; d < D; d++)
        for (let h = 0; h < H; h++)
          for (let w = 0; w < W; w++)
            visit(at(grid.shape, n, i, d, h, w), (n * 3 + i) * 4, [
              coordinate(w, W),
              coordinate(h, H),
              coordinate(d, D),
              1,
            ])
}

export const gradientCases: GradientCases = (draw) => {
  const theta = draw([2, 3, 4])
  const sample = (alignCorners: boolean) =>
    gradientCase(
      { theta },
      (v) => forward(v.theta, [4, 2, 3], alignCorners),
      (g) => backward(g, alignCorners),
    )
  return { faces: sample(false), 'aligned corners': sample(true) }
}
