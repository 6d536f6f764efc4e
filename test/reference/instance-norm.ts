/**
 * Instance normalisation: over the voxels of each channel of each image,
 *
 *   xhat = (x - mean) / sqrt(var + epsilon),   out = weight[c] xhat + bias[c]
 *
 * with the biased variance (divided by the number of voxels), as in PyTorch. Weight 1 and bias 0 where they are null.
 */
import { channelOf, map, sizeOf, zeros, type NdArray } from './nd-array.js'

const EPSILON = 1e-5

/** input [N, C, ...], weight and bias [C] or null -> [N, C, ...]. */
export function forward(
  input: NdArray,
  weight: NdArray | null,
  bias: NdArray | null,
  epsilon = EPSILON,
): NdArray {
  return map(normalise(input, epsilon).normalised, (xhat, i) => {
    const c = channelOf(input.shape, i)
    return (weight?.data[c] ?? 1) * xhat + (bias?.data[c] ?? 0)
  })
}

/**
 * gradInput = (g' - mean(g') - xhat mean(g' xhat)) / sqrt(var + epsilon), g' = weight[c] gradOutput, means over the
 * voxels of the image's channel; gradWeight = sum gradOutput xhat, gradBias = sum gradOutput, over images and voxels.
 */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  weight: NdArray | null,
  epsilon = EPSILON,
): { gradInput: NdArray; gradWeight: NdArray; gradBias: NdArray } {
  const { normalised, inverseDeviation, voxels } = normalise(input, epsilon)
  const [gradWeight, gradBias] = [zeros([input.shape[1]!]), zeros([input.shape[1]!])]
  const gradNormalised = map(gradOutput, (g, i) => g * (weight?.data[channelOf(input.shape, i)] ?? 1))
  gradOutput.data.forEach((g, i) => {
    const c = channelOf(input.shape, i)
    gradWeight.data[c]! += g * normalised.data[i]!
    gradBias.data[c]! += g
  })

  const instances = inverseDeviation.length
  const [meanGrad, meanProduct] = [new Float64Array(instances), new Float64Array(instances)]
  gradNormalised.data.forEach((g, i) => {
    meanGrad[Math.floor(i / voxels)]! += g / voxels
    meanProduct[Math.floor(i / voxels)]! += (g * normalised.data[i]!) / voxels
  })
  const gradInput = map(gradNormalised, (g, i) => {
    const instance = Math.floor(i / voxels)
    const centred = g - meanGrad[instance]! - normalised.data[i]! * meanProduct[instance]!
    return centred * inverseDeviation[instance]!
  })
  return { gradInput, gradWeight, gradBias }
}

/** xhat, 1 / sqrt(var + epsilon) of each of the N C instances, and the voxels of one. */
function normalise(input: NdArray, epsilon: number) {
  const [N, C] = [input.shape[0]!, input.shape[1]!]
  const voxels = sizeOf(input.shape.slice(2))
  const normalised = zeros(input.shape)
  const inverseDeviation = new Float64Array(N * C)
  for (let instance = 0; instance < N * C; instance++) {
    const values = input.data.subarray(instance * voxels, (instance + 1) * voxels)
    const mean = values.reduce((sum, x) => sum + x, 0) / voxels
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / voxels
    inverseDeviation[instance] = 1 / Math.sqrt(variance + epsilon)
    values.forEach((x, v) => {
      normalised.data[instance * voxels + v] = (x - mean) * inverseDeviation[instance]!
    })
  }
  return { normalised, inverseDeviation, voxels }
}
