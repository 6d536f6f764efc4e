/**
 * Sampling at a grid, as torch.nn.functional.grid_sample: coordinate g in -1..1 along an axis of n voxels is the position
 * p = ((g + 1) n - 1) / 2, or (g + 1) (n - 1) / 2 with aligned corners. The output is the mean of the voxels floor(p) and
 * floor(p) + 1 with the weights 1 - (p - floor(p)) and p - floor(p), axis by axis, or the voxel nearest to p, the even one if
 * two are. Voxels outside are 0; with the padding `border`, p is first clamped to [0, n - 1].
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { at, volumeShape, zeros, type NdArray } from './nd-array.js'

export interface Options {
  readonly mode?: 'trilinear' | 'nearest'
  readonly padding?: 'zeros' | 'border'
  readonly alignCorners?: boolean
}

/** input [N, C, D, H, W], grid [N, 3, D', H', W'] with the channels x, y, z -> [N, C, D', H', W']. */
export function forward(input: NdArray, grid: NdArray, options: Options = {}): NdArray {
  const [N, C] = volumeShape(input)
  const output = zeros([N, C, ...grid.shape.slice(2)])
  forEachTerm(input, grid, options, ({ from, to, weights: [z, y, x] }) => {
    output.data[to]! += z * y * x * input.data[from]!
  })
  return output
}

/** Where the grid was clamped or lies at the border, its gradient is 0; with the mode nearest it is 0 everywhere. */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  grid: NdArray,
  options: Options = {},
): { gradInput: NdArray; gradGrid: NdArray } {
  const [gradInput, gradGrid] = [zeros(input.shape), zeros(grid.shape)]
  forEachTerm(input, grid, options, ({ from, to, places, weights: [z, y, x], slopes: [dz, dy, dx] }) => {
    const g = gradOutput.data[to]!
    gradInput.data[from]! += g * z * y * x
    const [placeX, placeY, placeZ] = places
    gradGrid.data[placeX]! += g * z * y * dx * input.data[from]!
    gradGrid.data[placeY]! += g * z * dy * x * input.data[from]!
    gradGrid.data[placeZ]! += g * dz * y * x * input.data[from]!
  })
  return { gradInput, gradGrid }
}

type Three = [number, number, number]

/** One voxel of which an output is a mean. */
interface Term {
  /** Offsets of the voxel, of the output, and of the output's x, y and z in the grid. */
  readonly from: number
  readonly to: number
  readonly places: Three
  /** The voxel's weight along z, y and x, and the derivative of that with respect to the coordinate. */
  readonly weights: Three
  readonly slopes: Three
}

function forEachTerm(input: NdArray, grid: NdArray, options: Options, visit: (term: Term) => void): void {
  const [N, C, ...extents] = volumeShape(input)
  const [, , D, H, W] = volumeShape(grid)
  const outputShape = [N, C, D, H, W]
  for (let n = 0; n < N; n++)
    for (let d = 0; d < D; d++)
      for (let h = 0; h < H; h++)
        for (let w = 0; w < W; w++) {
          const places = [0, 1, 2].map((axis) => at(grid.shape, n, axis, d, h, w)) as Three
          const [zs, ys, xs] = extents.map((extent, axis) =>
            neighbours(grid.data[places[2 - axis]!]!, extent, options),
          ) as [Neighbour[], Neighbour[], Neighbour[]]
          for (let c = 0; c < C; c++)
            for (const z of zs)
              for (const y of ys)
                for (const x of xs)
                  visit({
                    from: at(input.shape, n, c, z.voxel, y.voxel, x.voxel),
                    to: at(outputShape, n, c, d, h, w),
                    places,
                    weights: [z.weight, y.weight, x.weight],
                    slopes: [z.slope, y.slope, x.slope],
                  })
        }
}

interface Neighbour {
  readonly voxel: number
  readonly weight: number
  readonly slope: number
}

function neighbours(
  g: number,
  n: number,
  { mode = 'trilinear', padding = 'zeros', alignCorners = false }: Options,
): Neighbour[] {
  const given = alignCorners ? ((g + 1) * (n - 1)) / 2 : ((g + 1) * n - 1) / 2
  const p = padding === 'border' ? Math.min(Math.max(given, 0), n - 1) : given
  const isClamped = padding === 'border' && (given <= 0 || given >= n - 1)
  const scale = isClamped ? 0 : (alignCorners ? n - 1 : n) / 2
  const low = Math.floor(p)
  const all =
    mode === 'nearest'
      ? [{ voxel: roundToEven(p), weight: 1, slope: 0 }]
      : [
          { voxel: low, weight: 1 - (p - low), slope: -scale },
          { voxel: low + 1, weight: p - low, slope: scale },
        ]
  return all.filter(({ voxel }) => voxel >= 0 && voxel < n)
}

function roundToEven(p: number): number {
  const rounded = Math.round(p)
  return rounded - p === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

export const gradientCases: GradientCases = (draw) => {
  const [input, grid] = [draw([2, 2, 3, 4, 2]), draw([2, 3, 4, 2, 3], -1.4, 1.4)]
  const sample = (options: Options) =>
    gradientCase(
      { input, grid },
      (v) => forward(v.input, v.grid, options),
      (g) => backward(g, input, grid, options),
    )
  return {
    'zeros outside': sample({}),
    'zeros outside, aligned corners': sample({ alignCorners: true }),
    border: sample({ padding: 'border' }),
    'border, aligned corners': sample({ padding: 'border', alignCorners: true }),
    nearest: sample({ mode: 'nearest' }),
  }
}
