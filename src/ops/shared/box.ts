import { eachAxis, type Triple } from './triple.js'

/** A block of a volume, in voxels along D, H, W. */
export interface Box {
  /** The first voxel inside. */
  readonly start: Triple
  /** One past the last voxel inside. */
  readonly stop: Triple
}

/** All of a volume. */
export function wholeBox(extents: Triple): Box {
  return { start: [0, 0, 0], stop: extents }
}

/** The extents of a box. */
export function boxShape({ start, stop }: Box): Triple {
  return eachAxis((axis) => stop[axis] - start[axis])
}

/** @throws Error if the box is empty or reaches beyond the volume. @param what names it in the message */
export function requireBox(what: string, { start, stop }: Box, extents: Triple): void {
  const within = [0, 1, 2].every(
    (axis) => start[axis]! >= 0 && start[axis]! < stop[axis]! && stop[axis]! <= extents[axis]!,
  )
  if (within && [...start, ...stop].every(Number.isInteger)) return
  throw new Error(
    `${what}: [${start.join(', ')}] to [${stop.join(', ')}] is not a box in [${extents.join(', ')}] voxels`,
  )
}
