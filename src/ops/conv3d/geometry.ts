import type { Work } from '../../graph/node.js'
import { volumeShape, type Shape, type Value } from '../../graph/value.js'
import { widened, type Slab } from '../../graph/window.js'
import type { WindowAxis } from '../shared/receptive.js'
import { eachAxis, triple, type Triple } from '../shared/triple.js'

/** How the kernel of a convolution lies over its input. */
export interface Geometry {
  readonly kernel: Triple
  readonly stride: Triple
  /** Zeros before the first voxel of each axis. Those after the last follow from the extents of the output. */
  readonly padding: Triple
  readonly dilation: Triple
  readonly groups: number
}

/** Settings of a convolution that move its kernel, as in `torch.nn.functional.conv3d`. */
export interface GeometryOptions {
  /** Voxels from one output to the next. Default 1. */
  readonly stride?: number | Triple
  /**
   * Zeros at both ends of each axis; or 'same', which keeps the size, needs a stride of 1 and puts an odd zero after
   * the last voxel. Default 0.
   */
  readonly padding?: number | Triple | 'same'
  /** Voxels from one tap of the kernel to the next. Default 1. */
  readonly dilation?: number | Triple
  /** Input and output channels are split into this many groups; each output reads only its own group. Default 1. */
  readonly groups?: number
}

/**
 * The geometry that the options describe, and the extents of the output.
 *
 * @param extents of the input
 * @throws Error if an option is invalid, or the kernel is larger than the padded input
 */
export function convolutionGeometry(
  extents: Triple,
  kernel: Triple,
  options: GeometryOptions,
): { readonly geometry: Geometry; readonly extents: Triple } {
  const stride = triple('conv3d: stride', options.stride ?? 1, 1)
  const dilation = triple('conv3d: dilation', options.dilation ?? 1, 1)
  const reach = eachAxis((axis) => dilation[axis] * (kernel[axis] - 1))
  const given = options.padding ?? 0
  if (given === 'same' && stride.some((n) => n !== 1)) {
    throw new Error(`conv3d: padding 'same' needs a stride of 1, not [${stride.join(', ')}]`)
  }
  const padding =
    given === 'same' ? eachAxis((axis) => Math.floor(reach[axis] / 2)) : triple('conv3d: padding', given, 0)
  const output = eachAxis((axis) => {
    const both = given === 'same' ? reach[axis] : 2 * padding[axis]
    return Math.floor((extents[axis] + both - reach[axis] - 1) / stride[axis]) + 1
  })
  if (output.some((n) => n < 1)) {
    throw new Error(
      `conv3d: kernel ${kernel.join('x')} is larger than the padded input [${extents.join(', ')}]`,
    )
  }
  return {
    geometry: { kernel, stride, padding, dilation, groups: groupsOf('conv3d', options) },
    extents: output,
  }
}

/** @throws Error if it is not a whole number of at least 1. */
export function groupsOf(op: string, { groups = 1 }: Pick<GeometryOptions, 'groups'>): number {
  return triple(`${op}: groups`, groups, 1)[0]
}

/** Whether a convolution keeps the size and reads the voxels next to its own: what all tuned kernels do. */
export function isPlain(geometry: Geometry): boolean {
  return isCentred(geometry) && geometry.dilation.every((n) => n === 1)
}

/** Whether it keeps the size and reads as many voxels on either side of its own: what the tuned forward kernel does. */
export function isCentred({ kernel, stride, padding, dilation, groups }: Geometry): boolean {
  return (
    groups === 1 &&
    stride.every((n) => n === 1) &&
    kernel.every((extent, axis) => padding[axis] === (dilation[axis]! * (extent - 1)) / 2 && extent % 2 === 1)
  )
}

/**
 * Whether the strided kernels compute a convolution that the tuned ones do not: one without dilation and groups, with few
 * enough taps and phases along x to unroll them. General kernels compute the rest.
 */
export function isStrided({ kernel, stride, dilation, groups }: Geometry): boolean {
  return groups === 1 && dilation.every((n) => n === 1) && kernel[2] <= 7 && stride[2] <= 4
}

/** The windows along depth. */
export function depthAxis({ kernel, stride, padding, dilation }: Geometry): WindowAxis {
  return { kernel: kernel[0], stride: stride[0], padding: padding[0], dilation: dilation[0] }
}

/** [Co, Ci, kD, kH, kW] of a weight's shape, whose kernel may leave out leading axes of one voxel. */
export function kernelShape([co, ci, ...kernel]: Shape): readonly [number, number, number, number, number] {
  const [kd, kh, kw] = [1, 1, 1, ...kernel].slice(-3) as [number, number, number]
  return [co!, ci!, kd, kh, kw]
}

/** How a convolution that keeps the size is cut along depth: it reads the planes themselves and a halo. */
export function convolutionPlanes(
  input: Value,
  kernelDepth: number,
  coarse?: Value,
  dilation = 1,
): Required<Pick<Work<never>, 'planes' | 'reads'>> {
  const halo = ((kernelDepth - 1) / 2) * dilation
  return {
    planes: volumeShape(input).planes,
    reads: (value, slab) =>
      value === input
        ? widened(slab, halo)
        : value === coarse
          ? coarsened(widened(slab, halo))
          : value.layout === 'volume'
            ? slab
            : undefined,
  }
}

/** The planes at half the resolution from which these planes are upsampled. */
export function coarsened({ first, end }: Slab): Slab {
  return { first: Math.floor(first / 2), end: Math.ceil(end / 2) }
}
