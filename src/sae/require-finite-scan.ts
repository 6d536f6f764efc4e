import { UserError } from '../errors.js'

/**
 * Requires that a scan has a number everywhere: one NaN spreads through a network, whose classes need not show it.
 *
 * @param name of the scan, for the message
 * @throws UserError naming the first voxel that is NaN or infinite
 */
export function requireFiniteScan(name: string, scan: Float32Array): void {
  const broken = scan.findIndex((value) => !Number.isFinite(value))
  if (broken !== -1)
    throw new UserError(`${name}: voxel ${broken} is ${scan[broken]}; replace it, for instance by 0`)
}
