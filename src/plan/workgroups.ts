import type { WorkgroupSize } from '../gpu/shader.js'
import { maxWorkgroups } from '../gpu/traits.js'
import type { KernelCall } from '../graph/node.js'

/**
 * The workgroups that a call dispatches.
 *
 * @param size threads per workgroup, as the shader declares it
 * @throws Error if an axis has more workgroups than a dispatch allows, or if threads are given but the shader's
 *   workgroup size is unknown
 */
export function workgroupsOf(
  { shader, threads, workgroups }: KernelCall,
  size: WorkgroupSize | undefined,
): readonly [number, number, number] {
  if (threads && !size) throw new Error(`${shader.name}: threads need a known @workgroup_size`)
  const extents = workgroups ?? threads.map((extent, axis) => Math.ceil(extent / size![axis]!))
  const [x, y, z] = extents.length < 3 ? [...extents.slice(0, -1), ...folded(extents.at(-1)!), 1] : extents
  const groups = [x, y!, z!] as const
  if (groups.some((extent) => extent > maxWorkgroups))
    throw new Error(
      `${shader.name}: [${groups.join(', ')}] workgroups, over ${maxWorkgroups} per axis; crop the volume`,
    )
  return groups
}

/** Folds a row of workgroups into as few rows of equal length as fit the limit of a dispatch. */
function folded(groups: number): readonly [length: number, rows: number] {
  const rows = Math.max(1, Math.ceil(groups / maxWorkgroups))
  return [Math.ceil(groups / rows), rows]
}
