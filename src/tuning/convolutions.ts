import type { DeviceTraits } from '../gpu/traits.js'
import type { OpNode } from '../graph/node.js'

/** A convolution that keeps the size, as the tuned forward kernel computes it. */
export interface ConvolutionProblem {
  readonly inputs: number
  readonly outputs: number
  /** [D, H, W] */
  readonly extents: readonly [number, number, number]
  /** [kD, kH, kW] */
  readonly kernel: readonly [number, number, number]
}

/** Floating-point operations of a convolution, a multiply-add being two. */
export function flopsOf({ inputs, outputs, extents, kernel }: ConvolutionProblem): number {
  return [...extents, ...kernel].reduce((product, n) => product * n, 2 * inputs * outputs)
}

/**
 * The convolutions that nodes compute with the tuned forward kernel, gradients of inputs among them; the one with most
 * operations of those that share a tile (see `TileProblem`), the largest first.
 */
export function convolutionsOf(nodes: readonly OpNode[], device: DeviceTraits): ConvolutionProblem[] {
  const byTile = new Map<string, ConvolutionProblem>()
  for (const { shader, params, consts = {} } of nodes.flatMap((node) => node.emit(device))) {
    if (shader.name !== 'conv3d/forward') continue
    const { depth, height, width } = params
    const problem: ConvolutionProblem = {
      inputs: params.inputs! + (params.coarse_inputs ?? 0),
      outputs: params.outputs! + (params.first_outputs ?? 0),
      extents: [depth!, height!, width!],
      kernel: [Number(consts.KD), Number(consts.KH), Number(consts.KW)],
    }
    const key = [problem.outputs, ...problem.extents, problem.kernel[2]].join(' ')
    const known = byTile.get(key)
    if (!known || flopsOf(problem) > flopsOf(known)) byTile.set(key, problem)
  }
  return [...byTile.values()].sort((a, b) => flopsOf(b) - flopsOf(a))
}
