/** Soft Dice loss: 1 - mean over images and classes of (2 sum p t + s) / (sum p + sum t + s), sums over voxels. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { drawPrior } from './softmax.js'
import { expectSameShape, map, scalar, sizeOf, type NdArray } from './nd-array.js'

/** probabilities and target [N, C, ...] -> [1]. */
export function forward(probabilities: NdArray, target: NdArray, smooth = 1): NdArray {
  const all = fractions(probabilities, target, smooth)
  return scalar(1 - all.reduce((sum, { above, below }) => sum + above / below, 0) / all.length)
}

/** gradOutput [1]; gradProbabilities = - gradOutput / (N C) (2 t below - above) / below^2. */
export function backward(
  gradOutput: NdArray,
  probabilities: NdArray,
  target: NdArray,
  smooth = 1,
): { gradProbabilities: NdArray } {
  const all = fractions(probabilities, target, smooth)
  const voxels = sizeOf(probabilities.shape.slice(2))
  const factor = -gradOutput.data[0]! / all.length
  const gradProbabilities = map(target, (t, i) => {
    const { above, below } = all[Math.floor(i / voxels)]!
    return (factor * (2 * t * below - above)) / below ** 2
  })
  return { gradProbabilities }
}

/** Numerator and denominator for each class of each image. */
function fractions(probabilities: NdArray, target: NdArray, smooth: number) {
  expectSameShape(probabilities, target)
  const voxels = sizeOf(probabilities.shape.slice(2))
  return Array.from({ length: probabilities.data.length / voxels }, (_, row) => {
    let [products, masses] = [0, 0]
    for (let i = row * voxels; i < (row + 1) * voxels; i++) {
      products += probabilities.data[i]! * target.data[i]!
      masses += probabilities.data[i]! + target.data[i]!
    }
    return { above: 2 * products + smooth, below: masses + smooth }
  })
}

export const gradientCases: GradientCases = (draw) => {
  const probabilities = drawPrior([2, 4, 3, 5, 1], draw)
  const target = draw(probabilities.shape, 0, 1)
  return {
    default: gradientCase(
      { probabilities },
      (v) => forward(v.probabilities, target, 0.5),
      (g) => backward(g, probabilities, target, 0.5),
    ),
  }
}
