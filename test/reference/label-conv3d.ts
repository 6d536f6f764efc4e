/**
 * Convolution of a one-hot volume that is stored as its labels, stride 1, zero padding that keeps the size:
 *
 *   out[n, o, y] = f( bias[o] + sum over t of weight[o, label[n, y + t - (k-1)/2], t] )
 *
 * with y an output position, t a kernel position (both triples D, H, W) and f the activation. Positions outside the
 * volume and labels that are no class add nothing.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import * as conv3d from './conv3d.js'
import { activations, type Conv3dOptions, type Triple } from './conv3d.js'
import { at, channelOf, map, volumeShape, zeros, type NdArray } from './nd-array.js'

export type LabelConv3dOptions = Pick<Conv3dOptions, 'activation'>

/** labels [N, 1, D, H, W], weight [Co, classes, kD, kH, kW], bias [Co] or null -> [N, Co, D, H, W]. */
export function forward(
  labels: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  { activation = 'none' }: LabelConv3dOptions = {},
): NdArray {
  const [N, , ...extents] = volumeShape(labels)
  const shape = [N, weight.shape[0]!, ...extents]
  const output = map(zeros(shape), (_, o) => bias?.data[channelOf(shape, o)] ?? 0)
  forEachTap(labels, weight, (o, w) => {
    output.data[o]! += weight.data[w]!
  })
  return map(output, activations[activation].value)
}

/**
 * gradOutput has the shape of the output. gradLabels is the gradient of the labels' one-hot form, [N, classes, D, H, W];
 * the others have the shapes of weight and bias.
 */
export function backward(
  gradOutput: NdArray,
  labels: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  options: LabelConv3dOptions = {},
): { gradLabels: NdArray; gradWeight: NdArray; gradBias: NdArray } {
  const output = forward(labels, weight, bias, options)
  const { derivative } = activations[options.activation ?? 'none']
  const gradSum = map(gradOutput, (g, i) => g * derivative(output.data[i]!))

  const classes = weight.shape[1]!
  const gradLabels = zeros([labels.shape[0]!, classes, ...labels.shape.slice(2)])
  const [gradWeight, gradBias] = [zeros(weight.shape), zeros([weight.shape[0]!])]
  forEachTap(labels, weight, (o, w) => {
    gradWeight.data[w]! += gradSum.data[o]!
  })
  // Where every label is class c, the taps that a voxel reads are all of that class.
  for (let c = 0; c < classes; c++)
    forEachTap(
      map(labels, () => c),
      weight,
      (o, w, n, d, h, x) => {
        gradLabels.data[at(gradLabels.shape, n, c, d, h, x)]! += gradSum.data[o]! * weight.data[w]!
      },
    )
  gradSum.data.forEach((g, o) => (gradBias.data[channelOf(gradSum.shape, o)]! += g))
  return { gradLabels, gradWeight, gradBias }
}

/** The one-hot form [N, classes, D, H, W] of labels; zeros where a label is no class. */
export function oneHot(labels: NdArray, classes: number): NdArray {
  const [N, , ...extents] = volumeShape(labels)
  const result = zeros([N, classes, ...extents])
  const voxels = extents.reduce((product, extent) => product * extent)
  labels.data.forEach((label, i) => {
    if (label < classes) result.data[(Math.floor(i / voxels) * classes + label) * voxels + (i % voxels)] = 1
  })
  return result
}

/** Visits every weight of the sum above by offsets, output[o] += weight[w], with the position of its label. */
function forEachTap(
  labels: NdArray,
  weight: NdArray,
  visit: (o: number, w: number, n: number, d: number, h: number, x: number) => void,
): void {
  const [N, , D, H, W] = volumeShape(labels)
  const [Co, classes, kD, kH, kW] = volumeShape(weight)
  const output = [N, Co, D, H, W]
  for (let n = 0; n < N; n++)
    for (let o = 0; o < Co; o++)
      for (let z = 0; z < D; z++)
        for (let y = 0; y < H; y++)
          for (let x = 0; x < W; x++)
            for (let dz = 0; dz < kD; dz++)
              for (let dy = 0; dy < kH; dy++)
                for (let dx = 0; dx < kW; dx++) {
                  const [zi, yi, xi] = [z + dz - (kD - 1) / 2, y + dy - (kH - 1) / 2, x + dx - (kW - 1) / 2]
                  if (zi < 0 || zi >= D || yi < 0 || yi >= H || xi < 0 || xi >= W) continue
                  const label = labels.data[at(labels.shape, n, 0, zi, yi, xi)]!
                  if (label >= classes) continue
                  visit(at(output, n, o, z, y, x), at(weight.shape, o, label, dz, dy, dx), n, zi, yi, xi)
                }
}

export const gradientCases: GradientCases = (draw) => {
  const sample = (outputs: number, kernel: Triple, options: LabelConv3dOptions = {}) => {
    const classes = 4
    // Up to 5: some are no class.
    const labels = map(draw([2, 1, 3, 5, 4], 0, 6), Math.floor)
    const inputs = { weight: draw([outputs, classes, ...kernel]), bias: draw([outputs]) }
    const gradients = (g: NdArray) => backward(g, labels, inputs.weight, inputs.bias, options)
    return [
      ...gradientCase(inputs, (v) => forward(labels, v.weight, v.bias, options), gradients),
      // The gradient of the labels is that of their one-hot volume.
      ...gradientCase(
        { labels: oneHot(labels, classes) },
        (v) => conv3d.forward(v.labels, inputs.weight, inputs.bias, options),
        gradients,
      ),
    ]
  }
  return {
    default: sample(3, [3, 3, 3]),
    'an odd kernel': sample(2, [1, 3, 5]),
    sigmoid: sample(1, [3, 3, 3], { activation: 'sigmoid' }),
  }
}
