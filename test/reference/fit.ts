/** Cropping, or padding with zeros, at the high end of D, H and W: out[n, c, d, h, w] = input[n, c, d, h, w] where both are. */
import { at, volumeShape, zeros, type NdArray } from './nd-array.js'

/** input [N, C, ...] -> [N, C, ...extents]. */
export function forward(input: NdArray, extents: readonly [number, number, number]): NdArray {
  const [N, C, D, H, W] = volumeShape(input)
  const output = zeros([N, C, ...extents])
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let d = 0; d < Math.min(D, extents[0]); d++)
        for (let h = 0; h < Math.min(H, extents[1]); h++)
          for (let w = 0; w < Math.min(W, extents[2]); w++)
            output.data[at(output.shape, n, c, d, h, w)] = input.data[at(input.shape, n, c, d, h, w)]!
  return output
}

/** What was cropped gets no gradient; what was padded passes none on: the same operation back to the input's extents. */
export function backward(gradOutput: NdArray, input: NdArray): { gradInput: NdArray } {
  const [, , D, H, W] = volumeShape(input)
  return { gradInput: forward(gradOutput, [D, H, W]) }
}
