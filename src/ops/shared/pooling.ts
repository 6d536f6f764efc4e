import { defineNode, only, type NodeSpec } from '../../graph/node.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, type Slab } from '../../graph/window.js'
import type { Specialisation } from '../../gpu/shader.js'
import { covered, covering, planesBehind, slicedUnlessFew, type WindowAxis } from './receptive.js'
import { eachAxis, spatialParams, triple, type Triple } from './triple.js'

/** The windows that a pooling takes, as in `torch.nn.functional`. */
export interface PoolOptions {
  /** Voxels of a window along D, H and W, or one number for all three; at least 1. */
  readonly kernelSize: number | Triple
  /** Voxels from one window to the next. Default: `kernelSize`. */
  readonly stride?: number | Triple
  /** Voxels by which windows may stand out at either end of an axis, at most half of the kernel. Default 0. */
  readonly padding?: number | Triple
}

export interface PoolWindows {
  readonly kernel: Triple
  readonly stride: Triple
  readonly padding: Triple
}

/** @throws Error where an option has no meaning */
export function poolWindows(op: string, options: PoolOptions): PoolWindows {
  const kernel = triple(`${op}: kernelSize`, options.kernelSize, 1)
  const stride = triple(`${op}: stride`, options.stride ?? kernel, 1)
  const padding = triple(`${op}: padding`, options.padding ?? 0, 0)
  if (padding.some((n, axis) => 2 * n > kernel[axis]!)) {
    throw new Error(
      `${op}: padding [${padding.join(', ')}] is more than half of the kernel ${kernel.join('x')}`,
    )
  }
  return { kernel, stride, padding }
}

/** A kernel that reads `input` window by window, as a node without its gradient. */
export function poolForward(
  op: string,
  kernel: Specialisation,
  input: Value,
  windows: PoolWindows,
  dtype: 'f32' | 'u32' = 'f32',
): Pick<NodeSpec, 'op' | 'inputs' | 'outputs' | 'emit'> {
  const from = volumeShape(input)
  const inExtents = [from.depth, from.height, from.width] as const
  const extents = eachAxis(
    (axis) =>
      Math.floor(
        (inExtents[axis] + 2 * windows.padding[axis] - windows.kernel[axis]) / windows.stride[axis],
      ) + 1,
  )
  if (extents.some((n) => n < 1)) {
    throw new Error(
      `${op}: kernel ${windows.kernel.join('x')} is larger than the padded input [${inExtents.join(', ')}]`,
    )
  }
  const [depth, height, width] = extents
  const reads = (slab: Slab) => planesBehind(from.depth, depth, covered(depthAxis(windows)), slab)
  return {
    op,
    inputs: [input],
    outputs: [{ shape: [from.batch, from.channels, ...extents], dtype }],
    emit: slicedUnlessFew(from.planes, {
      planes: from.batch * depth,
      reads: (_, slab) => reads(slab),
      emit: ([output], device, range) => {
        const bindings = (slab: Slab) => ({
          input: planesOf(input, reads(slab)),
          output: planesOf(output!, slab),
        })
        return slabs(range, device, (slab) => Object.values(bindings(slab))).map((slab) => ({
          ...kernel,
          params: { ...poolParams(input, output!, windows), first_plane: slab.first },
          bindings: bindings(slab),
          workgroups: [Math.ceil((height * width) / 64), from.channels, slab.last - slab.first] as const,
        }))
      },
    }),
  }
}

/**
 * A kernel that gathers the gradient of `input` from the windows that cover each voxel.
 *
 * @param values what it reads of every window, all of the shape of the output, by the names of its bindings
 */
export function poolBackward(
  op: string,
  kernel: Specialisation,
  input: Value,
  values: Readonly<Record<string, Value>>,
  windows: PoolWindows,
): Value {
  const to = volumeShape(input)
  const output = Object.values(values)[0]!
  const reads = (slab: Slab) =>
    planesBehind(volumeShape(output).depth, to.depth, covering(depthAxis(windows)), slab)
  return only(
    defineNode({
      op,
      inputs: Object.values(values),
      outputs: [{ shape: input.shape }],
      emit: {
        planes: to.planes,
        reads: (_, slab) => reads(slab),
        emit: ([gradInput], device, range) => {
          const bindings = (slab: Slab) => ({
            ...Object.fromEntries(
              Object.entries(values).map(([name, value]) => [name, planesOf(value, reads(slab))]),
            ),
            grad_input: planesOf(gradInput!, slab),
          })
          return slabs(range, device, (slab) => Object.values(bindings(slab))).map((slab) => ({
            ...kernel,
            params: { ...poolParams(input, output, windows), first_plane: slab.first },
            bindings: bindings(slab),
            workgroups: [Math.ceil(to.area / 64), to.channels, slab.last - slab.first] as const,
          }))
        },
      },
    }),
  )
}

function depthAxis({ kernel, stride, padding }: PoolWindows): WindowAxis {
  return { kernel: kernel[0], stride: stride[0], padding: padding[0] }
}

function poolParams(
  input: Value,
  output: Value,
  { kernel, stride, padding }: PoolWindows,
): Record<string, number> {
  const [from, to] = [volumeShape(input), volumeShape(output)]
  return {
    channels: from.channels,
    in_depth: from.depth,
    in_height: from.height,
    in_width: from.width,
    out_depth: to.depth,
    out_height: to.height,
    out_width: to.width,
    ...spatialParams('kernel', kernel),
    ...spatialParams('stride', stride),
    ...spatialParams('padding', padding),
  }
}
