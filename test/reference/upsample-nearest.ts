/** Nearest-neighbour upsampling by 2: out[n, c, d, h, w] = input[n, c, floor(d/2), floor(h/2), floor(w/2)]. */
import { at, volumeShape, zeros, type NdArray } from './nd-array.js'

/** input [N, C, D, H, W] -> [N, C, 2D, 2H, 2W]. */
export function forward(input: NdArray): NdArray {
  const [N, C, D, H, W] = volumeShape(input)
  const output = zeros([N, C, 2 * D, 2 * H, 2 * W])
  forEachCopy(output, input, (o, i) => (output.data[o] = input.data[i]!))
  return output
}

/** gradOutput [N, C, 2D, 2H, 2W]; each input element gathers the gradients of its eight copies. */
export function backward(gradOutput: NdArray): { gradInput: NdArray } {
  const [N, C, D, H, W] = volumeShape(gradOutput)
  const gradInput = zeros([N, C, D / 2, H / 2, W / 2])
  forEachCopy(gradOutput, gradInput, (o, i) => (gradInput.data[i]! += gradOutput.data[o]!))
  return { gradInput }
}

/** Visits every pair of an element of the fine array and the element of the coarse array above it, by offsets. */
function forEachCopy(fine: NdArray, coarse: NdArray, visit: (fine: number, coarse: number) => void): void {
  const [N, C, D, H, W] = volumeShape(fine)
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let d = 0; d < D; d++)
        for (let h = 0; h < H; h++)
          for (let w = 0; w < W; w++)
            visit(at(fine.shape, n, c, d, h, w), at(coarse.shape, n, c, d >> 1, h >> 1, w >> 1))
}
