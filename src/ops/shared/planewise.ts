import type { KernelCall } from '../../graph/node.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import { threadsPerWorkgroup, type ShaderSource, type Specialisation } from '../../gpu/shader.js'

/** A kernel over volumes of the same planes, with no halo. */
export interface PlanewiseKernel extends Specialisation {
  /** Fields of the shader's `struct Params` besides `area` and `first_plane`. */
  readonly params: Readonly<Record<string, number>>
  /** Bindings cut into slabs. The first one's planes are the ones that are cut. */
  readonly volumes: Readonly<Record<string, Value>>
  /** Values bound whole. */
  readonly flats?: Readonly<Record<string, Value>>
  /** One invocation per voxel (default), one per voxel and channel group, or one workgroup per plane and channel. */
  readonly over?:
    | 'voxels'
    | {
        /** Channel groups: invocations of one voxel. */
        readonly channels: number
      }
    | {
        /** Channels: workgroups of one plane. */
        readonly workgroupPerChannel: number
      }
  /** Whether the shader has a flag VECTOR, for planes of whole vec4s: an invocation then takes four neighbours. Default false. */
  readonly vectors?: boolean
}

/** The dispatches of a plane-wise kernel for a range of planes. Adds `area` and `first_plane` to `params`. */
export function planewise(kernel: PlanewiseKernel, device: DeviceTraits, range: Slab): KernelCall[] {
  const { volumes, flats = {}, over = 'voxels', vectors = false, params, flags, ...specialisation } = kernel
  const { area } = volumeShape(Object.values(volumes)[0]!)
  const vector = vectors && area % 4 === 0
  const positions = vector ? area / 4 : area
  const windows = (slab: Slab) =>
    Object.fromEntries(Object.entries(volumes).map(([name, value]) => [name, planesOf(value, slab)]))
  return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => {
    const depth = slab.end - slab.first
    return {
      ...specialisation,
      flags: vectors ? { ...flags, VECTOR: vector } : { ...flags },
      params: { ...params, area, first_plane: slab.first },
      bindings: {
        ...windows(slab),
        ...Object.fromEntries(Object.entries(flats).map(([name, value]) => [name, whole(value)])),
      },
      ...(over === 'voxels'
        ? { threads: [positions, depth, 1] }
        : 'channels' in over
          ? { threads: [positions, over.channels, depth] }
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
