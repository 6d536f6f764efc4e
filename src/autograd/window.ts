import { UserError } from '../errors.js'
import type { DeviceTraits } from './node.js'
import { volumeShape, type Value } from './value.js'

/** Elements [start, end) of a value, in its memory order: what one binding shows. */
export interface Window {
  readonly value: Value
  readonly start: number
  readonly end: number
}

/** A range of planes or elements that one dispatch computes. */
export interface Slab {
  readonly first: number
  readonly last: number
}

/** Bindings start at multiples of 256 bytes; a window is rounded down to that. */
export const windowAlignment = 64

/** All of a value. */
export function whole(value: Value): Window {
  return { value, start: 0, end: value.size }
}

/** Planes [first, last) of a volume, clamped to the planes that exist. */
export function planes(value: Value, first: number, last: number): Window {
  const shape = volumeShape(value)
  const size = shape.channels * shape.area
  return { value, start: Math.max(0, first) * size, end: Math.min(shape.planes, last) * size }
}

/** Elements [first, last) of a value. */
export function elements(value: Value, first: number, last: number): Window {
  return { value, start: first, end: last }
}

/**
 * Cuts `count` planes into as few equal slabs as keep every window within the device's binding limit, and the
 * workgroups along depth, `groupsPerPlane` of them for each plane, within what one dispatch may have.
 *
 * @throws UserError where even a single plane with its halo is too large.
 */
export function slabs(
  count: number,
  device: DeviceTraits,
  windows: (slab: Slab) => readonly Window[],
  groupsPerPlane = 1,
): Slab[] {
  const room = device.bindingElements - windowAlignment
  for (let size = count; ; size = Math.ceil(count / Math.ceil(count / (size - 1)))) {
    const parts = cut(count, size)
    const tooLarge = parts.flatMap(windows).find(({ start, end }) => end - start > room)
    if (!tooLarge && size * groupsPerPlane <= maxGroups) return parts
    if (size === 1) {
      const { value, start, end } = tooLarge!
      throw new UserError(
        `${value.name} [${value.shape.join(', ')}]: the planes that one step reads take ${(end - start) * 4} bytes, more than the ${room * 4} that this device shows a kernel at once; crop the volume, or use fewer channels or a smaller neighbourhood`,
      )
    }
  }
}

/**
 * Cuts the `count` elements that element-wise kernels run over; every slab starts at a multiple of `multiple`, itself
 * a multiple of `windowAlignment`.
 */
export function elementSlabs(count: number, device: DeviceTraits, multiple = windowAlignment): Slab[] {
  const size = Math.floor(device.bindingElements / multiple) * multiple
  if (size === 0)
    throw new Error(`this device binds ${device.bindingElements * 4} bytes, fewer than ${multiple * 4}`)
  return cut(count, size)
}

function cut(count: number, size: number): Slab[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
    first: i * size,
    last: Math.min(count, (i + 1) * size),
  }))
}

/** Workgroups of 64 for a linear range, folded into two dimensions where one is too short. */
export function linearGroups(count: number): readonly [number, number, number] {
  const groups = Math.ceil(count / 64)
  if (groups <= maxGroups) return [groups, 1, 1]
  const rows = Math.ceil(groups / maxGroups)
  return [Math.ceil(groups / rows), rows, 1]
}

const maxGroups = 65535
