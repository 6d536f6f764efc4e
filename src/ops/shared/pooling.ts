import type { KernelCall } from '../../graph/node.js'
import { op, type OpSpec } from '../../graph/op.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, type Slab } from '../../graph/window.js'
import type { Specialisation } from '../../gpu/shader.js'
import { covered, covering, planesBehind, slicedUnlessFew, type WindowAxis } from './receptive.js'
import { eachAxis, triple, type Triple } from './triple.js'
import { windowParams } from './window-params.js'

/** The windows that a pooling takes, as in `torch.nn.functional`. */
export interface PoolOptions {
  /** Voxels of a window along D, H and W, or one number for all three; at least 1. */
  readonly kernelSize: number | Triple
  /** Voxels from one window to the next. Default: `kernelSize`. */
  readonly stride?: number | Triple
  /** Voxels by which windows may extend beyond both ends of an axis, at most half of the kernel. Default 0. */
  readonly padding?: number | Triple
}

export interface PoolWindows {
  readonly kernel: Triple
  readonly stride: Triple
  readonly padding: Triple
}

/** @throws Error if an option is invalid */
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

/** A kernel that reads `input` window by window, as an op without its gradient. */
export function poolForward(
  name: string,
  kernel: Specialisation,
  input: Value,
  windows: PoolWindows,
  dtype: 'f32' | 'u32' = 'f32',
): OpSpec<{ input: Value }> {
  const from = volumeShape(input, name)
  const inExtents = [from.depth, from.height, from.width] as const
  const extents = eachAxis(
    (axis) =>
      Math.floor(
        (inExtents[axis] + 2 * windows.padding[axis] - windows.kernel[axis]) / windows.stride[axis],
      ) + 1,
  )
  if (extents.some((n) => n < 1)) {
    throw new Error(
      `${name}: kernel ${windows.kernel.join('x')} is larger than the padded input [${inExtents.join(', ')}]`,
    )
  }
  const [depth, height, width] = extents
  const reads = (slab: Slab) => planesBehind(from.depth, depth, covered(depthAxis(windows)), slab)
  return {
    name,
    inputs: { input },
    output: { shape: [from.batch, from.channels, ...extents], dtype },
    ...slicedUnlessFew(from.planes, {
      planes: from.batch * depth,
      reads: (_, slab) => reads(slab),
      emit: (output, device, range) => {
        const bindings = (slab: Slab) => ({
          input: planesOf(input, reads(slab)),
          output: planesOf(output, slab),
        })
        return slabs(range, device, (slab) => Object.values(bindings(slab))).map((slab): KernelCall => ({
          ...kernel,
          params: { ...poolParams(input, output, windows), first_plane: slab.first },
          bindings: bindings(slab),
          threads: [height * width, from.channels, slab.end - slab.first],
        }))
      },
    }),
  }
}

/**
 * A kernel that gathers the gradient of `input` from the windows that cover each voxel.
 *
 * @param values the volumes that it reads at every window, all of the output's shape, by the names of its bindings
 */
export function poolBackward(
  name: string,
  kernel: Specialisation,
  input: Value,
  values: Readonly<Record<string, Value>>,
  windows: PoolWindows,
): Value {
  const to = volumeShape(input, name)
  const output = Object.values(values)[0]!
  const reads = (slab: Slab) =>
    planesBehind(volumeShape(output).depth, to.depth, covering(depthAxis(windows)), slab)
  return op({
    name,
    inputs: values,
    output: { shape: input.shape },
    planes: to.planes,
    reads: (_, slab) => reads(slab),
    emit: (gradInput, device, range) => {
      const bindings = (slab: Slab) => ({
        ...Object.fromEntries(
          Object.entries(values).map(([name, value]) => [name, planesOf(value, reads(slab))]),
        ),
        grad_input: planesOf(gradInput, slab),
      })
      return slabs(range, device, (slab) => Object.values(bindings(slab))).map((slab): KernelCall => ({
        ...kernel,
        params: { ...poolParams(input, output, windows), first_plane: slab.first },
        bindings: bindings(slab),
        threads: [to.area, to.channels, slab.end - slab.first],
      }))
    },
  })
}

function depthAxis({ kernel, stride, padding }: PoolWindows): WindowAxis {
  return { kernel: kernel[0], stride: stride[0], padding: padding[0] }
}

function poolParams(input: Value, output: Value, windows: PoolWindows): Record<string, number> {
  return { channels: volumeShape(input).channels, ...windowParams(input, output, windows) }
}
