import type { Work } from '../../graph/node.js'
import type { Slab } from '../../graph/window.js'

/** The depths of one volume that a depth of another depends on. Both ends grow with the depth, and may lie outside. */
export type Receptive = (depth: number) => Slab

/** The windows along an axis: position o covers o * stride - padding + t * dilation for every t below `kernel`. */
export interface WindowAxis {
  readonly kernel: number
  readonly stride: number
  readonly padding: number
  readonly dilation?: number
}

/** The positions that window o covers. */
export function covered({ kernel, stride, padding, dilation = 1 }: WindowAxis): Receptive {
  return (o) => {
    const first = o * stride - padding
    return { first, end: first + (kernel - 1) * dilation + 1 }
  }
}

/** The windows that cover position i. */
export function covering({ kernel, stride, padding, dilation = 1 }: WindowAxis): Receptive {
  return (i) => ({
    first: Math.ceil((i + padding - (kernel - 1) * dilation) / stride),
    end: Math.floor((i + padding) / stride) + 1,
  })
}

/**
 * The planes of a volume of depth `source` that some planes of one of depth `target` depend on, at least one. Both are
 * batches of equal size.
 */
export function planesBehind(source: number, target: number, receptive: Receptive, slab: Slab): Slab {
  const behind = (plane: number): Slab => {
    const begin = Math.floor(plane / target) * source
    const reach = receptive(plane % target)
    const first = Math.max(0, Math.min(source - 1, reach.first))
    return { first: begin + first, end: begin + Math.max(first + 1, Math.min(source, reach.end)) }
  }
  return { first: behind(slab.first).first, end: behind(slab.end - 1).end }
}

/** The most planes read per computed plane for which a node is cut into slices. */
const mostRead = 3

/**
 * Work that is cut into slices, unless it computes far fewer planes than the `read` planes of the input: a sweep
 * advances by few planes of the finest volume, so many slabs would contain no plane of such a node.
 */
export function slicedUnlessFew<Output>(
  read: number,
  work: Work<Output> & { readonly planes: number },
): Work<Output> {
  return read <= mostRead * work.planes ? work : uncut(work)
}

/** The same work, but never cut into slices. */
export function uncut<Output>({
  planes,
  emit,
  finish,
}: Work<Output> & { readonly planes: number }): Work<Output> {
  return { emit: (output, device) => emit(output, device, { first: 0, end: planes }), finish }
}
