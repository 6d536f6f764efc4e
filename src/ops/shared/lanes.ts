import type { DeviceTraits } from '../../gpu/traits.js'

/**
 * How many lanes of a subgroup share loads by broadcasting: 4 to 8 on a CPU driver, or 0 if it has no subgroups or narrower
 * ones. 0 on a GPU: it reads what lanes share only once by itself, and no kernel there depends on subgroups.
 */
export function broadcastLanes({
  software,
  subgroupSize,
}: Pick<DeviceTraits, 'software' | 'subgroupSize'>): number {
  return software && subgroupSize >= 4 ? Math.min(subgroupSize, 8) : 0
}

/**
 * Invocations of a workgroup. A CPU driver runs one subgroup at a time, idle ones too: the smaller the workgroup, the
 * fewer idle subgroups (`npm run bench:ops -- 14-`).
 */
export function lanesOf({ software }: Pick<DeviceTraits, 'software'>): number {
  return software ? 8 : 64
}
