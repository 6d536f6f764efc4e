import type { KernelCall } from '../../graph/node.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import { threadsPerWorkgroup, type ShaderSource, type Specialisation } from '../../gpu/shader.js'

/** A kernel over volumes of the same planes, with no halo. */
export interface PlanewiseKernel extends Specialisation {
  /** Fields of the shader's `struct Params` beside `area` and `first_plane`. */
  readonly params: Readonly<Record<string, number>>
  /** Bindings cut into slabs. The first one's planes are the ones that are cut. */
  readonly volumes: Readonly<Record<string, Value>>
  /** Values bound whole. */
  readonly flats?: Readonly<Record<string, Value>>
  /**
   * One invocation per voxel (default), per four neighbours of a plane that consists of fours, per voxel and channel group, or
   * one workgroup per plane and channel.
   */
  readonly over?:
    | 'voxels'
    | 'vectors'
    | {
        /** Channel groups: invocations of one voxel. */
        readonly channels: number
      }
    | {
        /** Channels: workgroups of one plane. */
        readonly workgroupPerChannel: number
      }
}

/** The dispatches of a plane-wise kernel for a range of planes. Adds `area` and `first_plane` to `params`. */
export function planewise(kernel: PlanewiseKernel, device: DeviceTraits, range: Slab): KernelCall[] {
  const { volumes, flats = {}, over = 'voxels', params, ...specialisation } = kernel
  const { area } = volumeShape(Object.values(volumes)[0]!)
  const windows = (slab: Slab) =>
    Object.fromEntries(Object.entries(volumes).map(([name, value]) => [name, planesOf(value, slab)]))
  return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => {
    const depth = slab.end - slab.first
    return {
      ...specialisation,
      params: { ...params, area, first_plane: slab.first },
      bindings: {
        ...windows(slab),
        ...Object.fromEntries(Object.entries(flats).map(([name, value]) => [name, whole(value)])),
      },
      ...(over === 'voxels'
        ? { threads: [area, depth, 1] }
        : over === 'vectors'
          ? { threads: [area / 4, depth, 1] }
          : 'channels' in over
            ? { threads: [area, over.channels, depth] }
            : { workgroups: [over.workgroupPerChannel, depth, 1] }),
    }
  })
}

/** Workgroups that a plane-wise kernel over voxels has for each plane: as many partial results. */
export function workgroupsPerPlane(shader: ShaderSource, volume: Value): number {
  return Math.ceil(volumeShape(volume).area / threadsPerWorkgroup(shader))
}

/** All planes of the volumes of a batch that a slab of another batch's planes belongs to. */
export function volumesOf({ first, end }: Slab, of: Value, source: Value): Slab {
  const [own, other] = [volumeShape(of).depth, volumeShape(source).depth]
  return { first: Math.floor(first / own) * other, end: (Math.floor((end - 1) / own) + 1) * other }
}
