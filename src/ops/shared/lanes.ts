import type { DeviceTraits } from '../../gpu/traits.js'

/**
 * How many lanes of a subgroup share loads by broadcasting: 4 to 8, or 0 if subgroups are unavailable or narrower.
 */
export function broadcastLanes({ subgroupSize }: Pick<DeviceTraits, 'subgroupSize'>): number {
  return subgroupSize >= 4 ? Math.min(subgroupSize, 8) : 0
}

/**
 * Invocations of a workgroup. A CPU driver runs one subgroup at a time, idle ones too: the smaller the workgroup, the
 * fewer idle subgroups (`npm run bench:ops -- 14-`).
 */
export function lanesOf({ software }: Pick<DeviceTraits, 'software'>): number {
  return software ? 8 : 64
}
