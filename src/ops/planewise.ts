import type { DeviceTraits, KernelCall } from '../autograd/node.js'
import { volumeShape, type Value } from '../autograd/value.js'
import { elementSlabs, elements, linearGroups, planes, slabs, whole, type Slab } from '../autograd/window.js'
import type { Specialisation } from '../gpu/shader.js'

/** A kernel over volumes of the same planes, with no halo. */
export interface PlanewiseKernel extends Specialisation {
  readonly params: Readonly<Record<string, number>>
  /** Bindings cut into slabs. The first one's planes are the ones that are cut. */
  readonly volumes: Readonly<Record<string, Value>>
  /** Bindings shown whole. */
  readonly flats?: Readonly<Record<string, Value>>
  /**
   * Workgroups: one invocation per voxel (default), one per voxel and channel group of `channels` many, or one
   * workgroup per plane and channel.
   */
  readonly over?: 'voxels' | { readonly channels: number } | { readonly workgroupPerChannel: number }
}

/** The dispatches of a plane-wise kernel, one per slab. `params` gets `area` and `first_plane` added. */
export function planewise(kernel: PlanewiseKernel, device: DeviceTraits): KernelCall[] {
  const { volumes, flats = {}, over = 'voxels', params, ...specialisation } = kernel
  const { planes: count, area } = volumeShape(Object.values(volumes)[0]!)
  const windows = ({ first, last }: Slab) =>
    Object.fromEntries(Object.entries(volumes).map(([name, value]) => [name, planes(value, first, last)]))
  const groups = Math.ceil(area / 64)
  return slabs(count, device, (slab) => Object.values(windows(slab))).map((slab) => {
    const depth = slab.last - slab.first
    return {
      ...specialisation,
      params: { ...params, area, first_plane: slab.first },
      bindings: {
        ...windows(slab),
        ...Object.fromEntries(Object.entries(flats).map(([name, value]) => [name, whole(value)])),
      },
      workgroups:
        over === 'voxels'
          ? [groups, depth, 1]
          : 'channels' in over
            ? [groups, over.channels, depth]
            : [over.workgroupPerChannel, depth, 1],
    }
  })
}

/** A kernel over vec4s of elements that does not care where they lie; it may compute up to three beyond the end. */
export interface ElementwiseKernel extends Specialisation {
  readonly params?: Readonly<Record<string, number>>
  /** Bindings of equal size, cut into ranges of elements. */
  readonly values: Readonly<Record<string, Value>>
  readonly flats?: Readonly<Record<string, Value>>
}

/** The dispatches of an element-wise kernel, one invocation per vec4. `params` gets `count`, of vec4s, added. */
export function elementwise(kernel: ElementwiseKernel, device: DeviceTraits): KernelCall[] {
  const { values, flats = {}, params, ...specialisation } = kernel
  return elementSlabs(Object.values(values)[0]!.size, device).map(({ first, last }) => ({
    ...specialisation,
    params: { ...params, count: Math.ceil((last - first) / 4) },
    bindings: {
      ...Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, elements(value, first, last)]),
      ),
      ...Object.fromEntries(Object.entries(flats).map(([name, value]) => [name, whole(value)])),
    },
    workgroups: linearGroups(Math.ceil((last - first) / 4)),
  }))
}
